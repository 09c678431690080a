"""Sweep: thoughts that nobody has worked on for minutes are emitted again, whatever Kafka or a bridge forgot.

One record a user, of the newest open thought: ringing once works off the whole line. The pauses between two
emissions of a thought double from 5 minutes to over 5 hours. A thought that was never emitted, because it was accepted
in batch mode, has no record anywhere and is not waited for; another producer's thought came with a record.

A pass goes over the users in pages, each a statement of some milliseconds however many thoughts there are, and the
relay publishes in between: a whole table in one statement would not end within its deadline, and so never.
"""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database, Row

SWEEP_INTERVAL_SECONDS: Final = 60.0

USERS_PER_PAGE: Final = 500

BEFORE_FIRST_USER: Final = UUID(int=0)

SWEEP: Final = text("""
    WITH RECURSIVE walk(user_id, n) AS (
      (SELECT user_id, 1 FROM thoughts WHERE finished_at IS NULL AND user_id > CAST(:after AS uuid)
        ORDER BY user_id, turn LIMIT 1)
       UNION ALL
      SELECT (SELECT user_id FROM thoughts WHERE finished_at IS NULL AND user_id > w.user_id
               ORDER BY user_id, turn LIMIT 1), n + 1
        FROM walk w WHERE w.user_id IS NOT NULL AND n < :users),
    line AS MATERIALIZED (
      SELECT newest.id, newest.turn, head.beat_at FROM walk w
       CROSS JOIN LATERAL (SELECT id, turn FROM thoughts
                            WHERE user_id = w.user_id AND finished_at IS NULL ORDER BY turn DESC LIMIT 1) newest
       CROSS JOIN LATERAL (SELECT beat_at FROM thoughts
                            WHERE user_id = w.user_id AND finished_at IS NULL ORDER BY turn LIMIT 1) head),
    quiet AS (
      SELECT t.id FROM line JOIN thoughts t ON t.id = line.id AND t.turn = line.turn
       WHERE t.finished_at IS NULL
         AND (t.emitted_at IS NULL AND t.headers IS NULL
              OR COALESCE(t.emitted_at, t.created_at) < now() - interval '5 min' * 2 ^ LEAST(t.emissions, 6)
                 AND (line.beat_at IS NULL OR line.beat_at <= now() - interval '1 min'))
       ORDER BY t.id FOR UPDATE OF t SKIP LOCKED),
    e AS (UPDATE thoughts t SET emitted_at = now(), emissions = t.emissions + 1
            FROM quiet WHERE t.id = quiet.id RETURNING t.user_id, t.turn, t.event, t.headers),
    o AS (INSERT INTO outbox (topic, key, turn, value, headers)
          SELECT CAST(:topic AS text), user_id::text, turn, event, headers FROM e RETURNING turn)
    SELECT (SELECT count(*) FROM o) AS emitted, (SELECT user_id FROM walk WHERE n = :users) AS last
""")
"""The users with open thoughts are found by leaps through the index of the lines, never by reading the table. `last` is
the last one of a full page, NULL where there are no more. Its outbox rows: contracts/outbox.py."""


class Sweep:
    """A pass every minute, a page at a time. Two relays at once share the work: neither waits nor repeats."""

    def __init__(self, database: Database, topic: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._topic = topic
        self._clock = clock
        self._after = BEFORE_FIRST_USER
        self._due_at = self._begun_at = clock()
        self._emitted = 0

    def run_due_page(self) -> int:
        """The next page, when it is due. Returns what a whole pass has emitted, once it has ended.

        Raises SQLAlchemyError; the page is then tried again in a minute.
        """
        now = self._clock()
        if now < self._due_at:
            return 0
        if self._after == BEFORE_FIRST_USER:
            self._begun_at, self._emitted = now, 0
        self._due_at = now + SWEEP_INTERVAL_SECONDS
        page: Row = self._database.rows(SWEEP, topic=self._topic, after=self._after, users=USERS_PER_PAGE)[0]
        self._emitted += page.emitted
        if page.last is not None:
            self._after, self._due_at = page.last, now
            return 0
        self._after, self._due_at = BEFORE_FIRST_USER, self._begun_at + SWEEP_INTERVAL_SECONDS
        return self._emitted
