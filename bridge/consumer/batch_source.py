"""PostgreSQL -> lane: batch mode. The same lane, fed with the newest open thought of each user, without commits.

A row in `batches` asks for it; ringing once with the newest thought works off the user's whole line. Several bridges
may work on one batch: they take from the same lines.
"""

import logging
import time
from collections.abc import Iterable
from itertools import count
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bridge.consumer.lane import Lane
from bridge.records.types import Record
from contracts.database import Database, Row, describe_error
from contracts.settings import Settings

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0
USERS_PER_POLL: Final = 100

BEGIN: Final = text("""
    UPDATE batches SET begun_at = now() WHERE begun_at IS NULL RETURNING id
""")

OPEN: Final = text("SELECT id FROM batches WHERE ended_at IS NULL")

WAITING: Final = text("""
    SELECT DISTINCT ON (t.user_id) t.id, t.user_id, t.turn FROM thoughts t
     WHERE t.finished_at IS NULL AND t.user_id <> ALL (CAST(:held AS uuid[]))
       AND EXISTS (SELECT FROM batches b WHERE b.ended_at IS NULL AND t.created_at <= b.asked_at)
     ORDER BY t.user_id, t.turn DESC LIMIT :users
""")

END: Final = text("""
    UPDATE batches b SET ended_at = now()
     WHERE b.ended_at IS NULL AND b.begun_at IS NOT NULL
       AND NOT EXISTS (SELECT FROM thoughts t WHERE t.finished_at IS NULL AND t.created_at <= b.asked_at)
    RETURNING b.id
""")
"""Every thought that was accepted before the batch was asked for has ended: one whose acceptance PostgreSQL has not yet
answered by now is none of them, whatever its `created_at`, and waits for the next batch."""


class BatchSource:
    """A lane whose doorbells are rung by the rows of `batches`."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._lane = Lane(0, settings.lease_seconds)
        self._offsets = count()
        self._polled_at = 0.0

    def lanes(self) -> Iterable[Lane]:
        """The one lane."""
        return [self._lane]

    def poll(self, seconds: float) -> None:
        """Wait, and every second look for batches to begin and to end, and for users that the lane has room for."""
        time.sleep(seconds)
        if time.monotonic() - self._polled_at < POLL_SECONDS:
            return
        self._polled_at = time.monotonic()
        try:
            self._feed()
        except SQLAlchemyError as away:
            log.warning("PostgreSQL is unavailable or refuses, the batch waits: %s", describe_error(away))

    def commit(self, now: float) -> None:
        """Nothing is committed: the rows themselves say what is done."""

    def close(self) -> None:
        """Nothing to leave: another bridge goes on with the batch."""

    def _feed(self) -> None:
        for row in self._database.rows(BEGIN):
            log.info("Batch %d has begun.", row.id)
        if not self._database.rows(OPEN):
            return
        for row in self._waiting():
            self._lane.add_record(Record(next(self._offsets), row.user_id, row.id, row.turn))
        for row in self._database.rows(END):
            log.info("Batch %d has ended.", row.id)

    def _waiting(self) -> list[Row]:
        """Nobody is asked for while the lane is full; batches begin and end all the same, as people are told."""
        if not self._lane.has_room:
            return []
        return self._database.rows(WAITING, held=self._lane.users(), users=USERS_PER_POLL)
