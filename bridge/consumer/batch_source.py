"""PostgreSQL -> lane: the source of batch mode, which reads waiting thoughts from PostgreSQL instead of Kafka.

A row in `batches` requests a batch. For each user with waiting thoughts the lane gets one record, of the newest
thought. It stays open until that thought is terminal, so the lane works through the user's whole line. Nothing is
committed. Several bridges can work on the same batch, because only one of them can dispatch a head.
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
from contracts.database import Database, Row, database_trouble
from contracts.settings import Settings
from contracts.trouble_log import log_trouble

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0
"""Interval between polls of `batches` and of waiting users."""

USERS_PER_POLL: Final = 100
"""Users that are added to the lane at one poll, at most."""

BEGIN: Final = text("""
    UPDATE batches SET begun_at = now() WHERE begun_at IS NULL RETURNING id
""")
"""Begins every requested batch."""

OPEN: Final = text("SELECT id FROM batches WHERE ended_at IS NULL")
"""Finds the batches that have not ended."""

WAITING: Final = text("""
    SELECT DISTINCT ON (t.user_id) t.id, t.user_id, t.turn FROM thoughts t
     WHERE t.finished_at IS NULL AND t.user_id <> ALL (CAST(:held AS uuid[]))
       AND EXISTS (SELECT FROM batches b
                    WHERE b.ended_at IS NULL AND (t.created_at <= b.asked_at OR t.created_at > now()))
     ORDER BY t.user_id, t.turn DESC LIMIT :users
""")
"""Finds the newest thought of each user whose thoughts an open batch covers, except users whom the lane holds.

A thought of the future was written under a clock that was wrong, and is in every batch: it would otherwise wait until
that time has come."""

END: Final = text("""
    UPDATE batches b SET ended_at = now()
     WHERE b.ended_at IS NULL AND b.begun_at IS NOT NULL
       AND NOT EXISTS (SELECT FROM thoughts t
                        WHERE t.finished_at IS NULL AND (t.created_at <= b.asked_at OR t.created_at > now()))
    RETURNING b.id
""")
"""Ends each batch whose thoughts are all terminal: those that were accepted before it was requested.

A thought whose acceptance is not committed yet is not one of them, whatever its `created_at` is, and waits for the next
batch."""


class BatchSource:
    """Feeds one lane with the users whose thoughts wait for a batch."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._lane = Lane(0, settings.lease_seconds)
        self._offsets = count()
        self._polled_at = 0.0

    def lanes(self) -> Iterable[Lane]:
        """Return the only lane."""
        return [self._lane]

    def poll(self, seconds: float) -> None:
        """Wait for `seconds`. Once a second, begin requested batches, add waiting users, and end finished batches."""
        time.sleep(seconds)
        if time.monotonic() - self._polled_at < POLL_SECONDS:
            return
        self._polled_at = time.monotonic()
        try:
            self._feed()
        except SQLAlchemyError as error:
            log_trouble(log, database_trouble(error), "batches wait")

    def commit(self, now: float) -> None:
        """Do nothing: the thoughts' rows record what is done."""

    def close(self) -> None:
        """Do nothing: another bridge continues the batch."""

    def _feed(self) -> None:
        for row in self._database.rows(BEGIN):
            log.info("The batch has begun.", extra={"batch_id": row.id})
        if not self._database.rows(OPEN):
            return
        for row in self._waiting_users():
            self._lane.add_record(Record(next(self._offsets), row.user_id, row.id, row.turn))
        for row in self._database.rows(END):
            log.info("The batch has ended.", extra={"batch_id": row.id})

    def _waiting_users(self) -> list[Row]:
        """Return the users' newest thoughts, none while the lane is full.

        Batches begin and end even then, because the command that requested them shows their progress.
        """
        if not self._lane.has_room:
            return []
        return self._database.rows(WAITING, held=self._lane.users(), users=USERS_PER_POLL)
