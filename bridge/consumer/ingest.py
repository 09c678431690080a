"""What becomes of records that no thought is known for: another producer's event is stored, anything else buried."""

import logging
import time
from collections.abc import Callable
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from bridge.consumer.decide import Record
from bridge.consumer.lane import Bury, Lane, Store
from bridge.dead_letters.insert import bury
from bridge.records.parse import NOBODY
from contracts.accept import accept
from contracts.database import Database, is_refused_data, why
from contracts.dead_letters import failure_headers, record_failure_id
from contracts.events import parse_created, thought_created
from contracts.progress import Publisher
from contracts.settings import Settings
from contracts.source_headers import foreign, original

log = logging.getLogger(__name__)

ITEMS_A_TURN: Final = 100
TURN_SECONDS: Final = 0.3
"""What comes first ends a lane's turn: where PostgreSQL takes a tenth of a second for each, a hundred would keep the
loop from its heartbeat, and from hearing that it shall end."""

MEANING: Final = {
    "unknown-user": ("UnknownUser", "Nobody is known by this user_id."),
    "contradicts": ("OtherThought", "The thought of this id belongs to another user, or has another text."),
    "invalid": ("RefusedData", "PostgreSQL refuses the event's data."),
}
"""Why a readable event became a dead letter: a kind to sort by, and words."""


DELETED: Final = ""
"""The text of a thought that its author deleted. Its record is no news, whatever it says: the row stays as it is."""


class Intake:
    """Carries out what a lane's intake asks for, in its order."""

    def __init__(
        self,
        database: Database,
        publisher: Publisher,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._settings = settings
        self._clock = clock

    def work(self, lane: Lane, now: float) -> None:
        """Store and bury some, until PostgreSQL is away; the order of the log is kept, and the loop's turn is short."""
        until = self._clock() + TURN_SECONDS
        try:
            for _ in range(ITEMS_A_TURN):
                if (item := lane.intake(now)) is None:
                    return
                self._one(lane, item, now)
                if self._clock() >= until:
                    return
        except SQLAlchemyError as away:
            log.warning("PostgreSQL is away or refuses, records wait to be stored: %s", why(away))
            lane.intake_failed(now)

    def _one(self, lane: Lane, item: Store | Bury, now: float) -> None:
        if isinstance(item, Bury):
            self._bury(item)
            lane.buried(item.record)
            return
        reason, turn = self._store(item.record)
        if turn is not None:
            lane.stored(item.record, turn)
        elif reason:
            lane.not_storable(item.record, reason)
        else:
            lane.intake_failed(now)

    def _store(self, record: Record) -> tuple[str, int | None]:
        """The turn that Accept gave, or why there can never be one; neither when it has to be asked again."""
        event = parse_created(record.body.value)
        try:
            found = accept(
                self._database,
                thought_id=record.thought_id,
                user_id=record.user_id,
                text=event.text,
                event=record.body.value,
                topic=self._settings.kafka_topic,
                emit=False,
                headers=foreign(record.body.key, record.body.headers),
            )
        except SQLAlchemyError as error:
            if is_refused_data(error):
                return "invalid", None
            raise
        if found.contradicts(record.user_id) or found.old_text not in {None, DELETED, event.text}:
            return "contradicts", None
        if not found.user_known:
            return "unknown-user", None
        if found.fresh:
            self._publisher.publish(thought_created(record.user_id, record.thought_id, event.text))
        return "", found.turn

    def _bury(self, item: Bury) -> None:
        record = item.record
        where = dict(record.origin or {})
        kind, message = MEANING.get(item.reason, (record.body.kind, item.message))
        headers = failure_headers(reason=item.reason, error_class=kind, message=item.message or message)
        headers |= {"origin": where, **original(record.body.key, record.body.headers)}
        if record.user_id != NOBODY:
            headers |= {"user_id": str(record.user_id), "thought_id": str(record.thought_id)}
        if record.body.left_out:
            headers["value_left_out"] = record.body.left_out
        if record.body.headers_left_out:
            headers["original_headers_left_out"] = record.body.headers_left_out
        log.error("A record became a dead letter: %s (%s)", item.reason, where)
        bury(
            self._database,
            failure_id=record.body.failure_id or record_failure_id(where, record.body.value),
            reason=item.reason,
            value=record.body.value,
            headers=headers,
            topic=self._settings.kafka_dead_letter_topic,
        )
