"""Re-emits open thoughts that made no progress for minutes, because Kafka or a bridge may have lost their records.

Each user gets one record, for the newest open thought, because one hint is enough for the whole line. The pauses
between two emissions of a thought double from 5 minutes to over 5 hours. A thought that was never emitted, because it
was accepted in batch mode, has no record anywhere and is emitted at once. A thought from an external producer has that
producer's record.

A sweep covers the users in pages. Each page is a statement of some milliseconds, however many thoughts there are, and
the relay publishes in between. One statement for the whole table would exceed its deadline every time.
"""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database, Row

SWEEP_INTERVAL_SECONDS: Final = 60.0
"""From the start of one sweep to the start of the next."""

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
      SELECT newest.id, newest.turn, CASE WHEN head.beat_at <= now() + interval '1 s' THEN head.beat_at END AS beat_at
        FROM walk w
       CROSS JOIN LATERAL (SELECT id, turn FROM thoughts
                            WHERE user_id = w.user_id AND finished_at IS NULL ORDER BY turn DESC LIMIT 1) newest
       CROSS JOIN LATERAL (SELECT beat_at FROM thoughts
                            WHERE user_id = w.user_id AND finished_at IS NULL ORDER BY turn LIMIT 1) head),
    quiet AS (
      SELECT t.id FROM line JOIN thoughts t ON t.id = line.id AND t.turn = line.turn
       WHERE t.finished_at IS NULL
         AND (t.emitted_at IS NULL AND t.headers IS NULL
              OR (COALESCE(t.emitted_at, t.created_at) < now() - interval '5 min' * 2 ^ LEAST(t.emissions, 6)
                  OR COALESCE(t.emitted_at, t.created_at) > now() + interval '1 s')
                 AND (line.beat_at IS NULL OR line.beat_at <= now() - interval '1 min'))
       ORDER BY t.id FOR UPDATE OF t SKIP LOCKED),
    e AS (UPDATE thoughts t SET emitted_at = now(), emissions = t.emissions + 1
            FROM quiet WHERE t.id = quiet.id RETURNING t.user_id, t.turn, t.event, t.headers),
    o AS (INSERT INTO outbox (topic, key, turn, value, headers)
          SELECT CAST(:topic AS text), user_id::text, turn, event, headers FROM e ORDER BY user_id RETURNING turn)
    SELECT (SELECT count(*) FROM o) AS emitted, (SELECT user_id FROM walk WHERE n = :users) AS last
""")
"""The users with open thoughts are found by skipping through the index of open thoughts, without reading the table.
`last` is the last user of a full page, and NULL when there are no more. A time in the future is from a clock that was
wrong, and counts as unknown: nothing waits until it has come. contracts/outbox.py describes the outbox
rows."""


class Sweep:
    """Sweeps all users every minute, one page at a time.

    Two relays can sweep at once: neither waits for the other, and no thought is emitted twice.
    """

    def __init__(self, database: Database, topic: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._topic = topic
        self._clock = clock
        self._after = BEFORE_FIRST_USER
        self._due_at = self._started_at = clock()
        self._emitted = 0

    def run_due_page(self) -> int:
        """Sweep the next page if it is due.

        Return the number of thoughts that the whole sweep has emitted when this page is its last, and 0 otherwise.
        Raises SQLAlchemyError when PostgreSQL is unavailable; the page is then retried after SWEEP_INTERVAL_SECONDS.
        """
        now = self._clock()
        if now < self._due_at:
            return 0
        if self._after == BEFORE_FIRST_USER:
            self._started_at, self._emitted = now, 0
        self._due_at = now + SWEEP_INTERVAL_SECONDS
        page: Row = self._database.rows(SWEEP, topic=self._topic, after=self._after, users=USERS_PER_PAGE)[0]
        self._emitted += page.emitted
        if page.last is not None:
            self._after, self._due_at = page.last, now
            return 0
        self._after, self._due_at = BEFORE_FIRST_USER, self._started_at + SWEEP_INTERVAL_SECONDS
        return self._emitted
