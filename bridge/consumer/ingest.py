"""Turns records that have no thought yet into thoughts or dead letters, in the order of the log.

A valid event of an external producer is accepted as a thought. Everything else is dead-lettered with its original bytes
and headers.
"""

import logging
import time
from collections.abc import Callable
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from bridge.consumer.lane import Lane
from bridge.consumer.protocol import AcceptRecord, DeadLetterRecord
from bridge.dead_letters.insert import insert_dead_letter
from bridge.records.types import UNKNOWN_ID, Record
from contracts.accept import accept
from contracts.database import Database, database_trouble, is_rejected_data
from contracts.dead_letters import failure_headers, record_failure_id
from contracts.events import parse_created, thought_created
from contracts.progress import ProgressPublisher
from contracts.settings import Settings
from contracts.source_headers import capture_headers, capture_source
from contracts.trouble_log import log_trouble

log = logging.getLogger(__name__)

MAX_ITEMS_PER_CALL: Final = 100
"""Records that one call of `work` processes, at most."""

MAX_SECONDS_PER_CALL: Final = 0.3
"""Seconds after which `work` starts no further record. When PostgreSQL takes a tenth of a second for each, a hundred
records would keep the loop from its heartbeat, and from a request to stop, for 10 s."""

REASON_TEXT: Final = {
    "unknown-user": ("UnknownUser", "There is no user with this user_id. Replay the record once the user exists."),
    "contradicts": ("OtherThought", "The thought with this id belongs to another user, or has another text."),
    "invalid": ("RefusedData", "PostgreSQL rejects the event's data."),
}
"""Why a readable event was dead-lettered: reason -> error class and message."""


class Ingestion:
    """Processes the ingest queues of the lanes."""

    def __init__(
        self,
        database: Database,
        publisher: ProgressPublisher,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._settings = settings
        self._clock = clock

    def work(self, lane: Lane, now: float) -> None:
        """Accept or dead-letter the lane's records until the queue is empty or the call's limits are reached.

        When PostgreSQL is unavailable the records stay in the queue, in their order.
        """
        deadline = self._clock() + MAX_SECONDS_PER_CALL
        try:
            for _ in range(MAX_ITEMS_PER_CALL):
                if (item := lane.next_ingest(now)) is None:
                    return
                self._ingest(lane, item, now)
                if self._clock() >= deadline:
                    return
        except SQLAlchemyError as error:
            log_trouble(log, database_trouble(error), "records wait to be accepted")
            lane.ingest_failed(now)

    def _ingest(self, lane: Lane, item: AcceptRecord | DeadLetterRecord, now: float) -> None:
        if isinstance(item, DeadLetterRecord):
            self._dead_letter(item)
            lane.dead_lettered(item.record)
            return
        reason, turn = self._accept(item.record)
        if turn is not None:
            lane.accepted(item.record, turn)
        elif reason:
            lane.not_acceptable(item.record, reason)
        else:
            lane.ingest_failed(now)

    def _accept(self, record: Record) -> tuple[str, int | None]:
        """Accept the record's event.

        Return ("", turn) when it is a thought, (reason, None) when it can never be one, and ("", None) when Accept
        must be repeated.
        """
        event = parse_created(record.raw.value)
        try:
            accepted = accept(
                self._database,
                thought_id=record.thought_id,
                user_id=record.user_id,
                text=event.text,
                event=record.raw.value or b"",
                topic=self._settings.kafka_topic,
                emit=False,
                headers=capture_source(record.raw.key, record.raw.headers),
            )
        except SQLAlchemyError as error:
            if is_rejected_data(error):
                return "invalid", None
            raise
        if accepted.contradicts(record.user_id, event.text):
            return "contradicts", None
        if not accepted.user_known:
            return "unknown-user", None
        if accepted.created:
            author = accepted.author or record.user_id
            self._publisher.publish(thought_created(author, record.thought_id, event.text))
        return "", accepted.turn

    def _dead_letter(self, item: DeadLetterRecord) -> None:
        record = item.record
        origin = dict(record.origin or {})
        failure_id = record.raw.failure_id or record_failure_id(origin, record.raw.value)
        kind, message = REASON_TEXT.get(item.reason, (record.raw.error_kind, item.message))
        headers = failure_headers(reason=item.reason, error_class=kind, message=item.message or message)
        headers |= {"origin": origin, **capture_headers(record.raw.key, record.raw.headers)}
        if record.user_id != UNKNOWN_ID:
            headers |= {"user_id": str(record.user_id), "thought_id": str(record.thought_id)}
        if record.raw.value_left_out:
            headers["value_left_out"] = record.raw.value_left_out
        if record.raw.headers_left_out:
            headers["original_headers_left_out"] = record.raw.headers_left_out
        fields = {name: origin.get(name) for name in ("topic", "partition", "offset")}
        log.error(
            "A record is dead-lettered: %s; see `python -m bridge dead-letters show %s`",
            item.reason,
            failure_id,
            extra=fields | {"failure_id": failure_id},
        )
        insert_dead_letter(
            self._database,
            failure_id=failure_id,
            reason=item.reason,
            value=record.raw.value,
            headers=headers,
            topic=self._settings.kafka_dead_letter_topic,
        )
