"""What becomes of records that no thought is known for: another producer's event is stored, anything else buried."""

import logging
import time
from collections.abc import Callable
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from bridge.consumer.lane import Lane
from bridge.consumer.protocol import AcceptRecord, DeadLetterRecord
from bridge.dead_letters.insert import insert_dead_letter
from bridge.records.types import NOBODY, Record
from contracts.accept import accept
from contracts.database import Database, describe_error, is_refused_data
from contracts.dead_letters import failure_headers, record_failure_id
from contracts.events import parse_created, thought_created
from contracts.progress import ProgressPublisher
from contracts.settings import Settings
from contracts.source_headers import capture_headers, capture_source

log = logging.getLogger(__name__)

MAX_ITEMS_PER_CALL: Final = 100
MAX_SECONDS_PER_CALL: Final = 0.3
"""What comes first ends a lane's turn: where PostgreSQL takes a tenth of a second for each, a hundred would keep the
loop from its heartbeat, and from hearing that it shall end."""

REASON_TEXT: Final = {
    "unknown-user": ("UnknownUser", "Nobody is known by this user_id."),
    "contradicts": ("OtherThought", "The thought of this id belongs to another user, or has another text."),
    "invalid": ("RefusedData", "PostgreSQL refuses the event's data."),
}
"""Why a readable event became a dead letter: a kind to sort by, and words."""


DELETED_TEXT: Final = ""
"""The text of a thought that its author deleted. Its record is no news, whatever it says: the row stays as it is."""


class Ingestion:
    """Carries out what a lane's intake asks for, in its order."""

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
        """Accept or dead-letter records in the order of the log, until the time is up or PostgreSQL is unavailable."""
        until = self._clock() + MAX_SECONDS_PER_CALL
        try:
            for _ in range(MAX_ITEMS_PER_CALL):
                if (item := lane.next_ingest(now)) is None:
                    return
                self._ingest(lane, item, now)
                if self._clock() >= until:
                    return
        except SQLAlchemyError as away:
            log.warning("PostgreSQL is unavailable or refuses, records wait to be stored: %s", describe_error(away))
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
        """The turn that Accept gave, or why there can never be one; neither when it has to be asked again."""
        event = parse_created(record.raw.value)
        try:
            found = accept(
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
            if is_refused_data(error):
                return "invalid", None
            raise
        if found.belongs_to_another(record.user_id) or found.existing_text not in {None, DELETED_TEXT, event.text}:
            return "contradicts", None
        if not found.user_known:
            return "unknown-user", None
        if found.created:
            self._publisher.publish(thought_created(record.user_id, record.thought_id, event.text))
        return "", found.turn

    def _dead_letter(self, item: DeadLetterRecord) -> None:
        record = item.record
        where = dict(record.origin or {})
        kind, message = REASON_TEXT.get(item.reason, (record.raw.error_kind, item.message))
        headers = failure_headers(reason=item.reason, error_class=kind, message=item.message or message)
        headers |= {"origin": where, **capture_headers(record.raw.key, record.raw.headers)}
        if record.user_id != NOBODY:
            headers |= {"user_id": str(record.user_id), "thought_id": str(record.thought_id)}
        if record.raw.value_left_out:
            headers["value_left_out"] = record.raw.value_left_out
        if record.raw.headers_left_out:
            headers["original_headers_left_out"] = record.raw.headers_left_out
        log.error("A record became a dead letter: %s (%s)", item.reason, where)
        insert_dead_letter(
            self._database,
            failure_id=record.raw.failure_id or record_failure_id(where, record.raw.value),
            reason=item.reason,
            value=record.raw.value,
            headers=headers,
            topic=self._settings.kafka_dead_letter_topic,
        )
