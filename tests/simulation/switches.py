"""How a guard that lives in the code and not in a statement is switched off: its method is replaced while a history
goes on. Guards of statements are switched off where their model is, in the `sql_*.py` and `database.py`,
by their names."""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from unittest.mock import patch

from confluent_kafka import TopicPartition

from bridge.consumer import assignment, ingest
from bridge.consumer.batch_source import BatchSource
from bridge.consumer.kafka_source import KafkaSource
from bridge.consumer.lane import DATABASE_RETRY_SECONDS, Lane, Line, Phase
from bridge.consumer.offset_tracker import OffsetTracker
from bridge.consumer.partition import AssignedPartition
from bridge.kafka.start_offset import CommittedOffset, StartOffset
from tasks import calls, step_store
from tasks.calls import Call, Calls
from tasks.step import ShuttingDownError, StepRunner


def _watches_go_on(lane: Lane, now: float) -> None:
    for line in lane._lines.values():
        if line.phase is Phase.DECIDING:
            line.watch_until(now + DATABASE_RETRY_SECONDS, now)


def _any_change_is_none(lane: Lane, line: Line, head: Any, now: float) -> None:
    """Silence is counted from the first look at a thought, whatever its beat did since."""
    if head is not None and line.version is not None and line.version.thought_id == head.thought_id:
        since, patience = line.unchanged_since, line.lease_seconds
        _LOOK(lane, line, head, now)
        line.unchanged_since, line.lease_seconds = since, patience
    else:
        _LOOK(lane, line, head, now)


_LOOK: Final = Lane._watch_head


def _hurried(lane: Lane, head: Any) -> float:
    return lane._lease_seconds / 4


def _past_the_gap(offsets: OffsetTracker) -> int:
    return offsets._next


def _commit_though_lost(source: KafkaSource, client: Any, partitions: Any) -> None:
    source._on_revoke(client, partitions)


def _passed_by_in_silence(source: KafkaSource, assigned: Any, number: int, begins_at: int, error: Any) -> None:
    source._consumer.seek(TopicPartition(source._topic, number, begins_at + 1))


def _where_it_was(committed: CommittedOffset | None, topic_id: str, low: int, high: int) -> StartOffset:
    return StartOffset(committed.offset if committed and low <= committed.offset <= high else low)


def _at_the_end(committed: CommittedOffset | None, topic_id: str, low: int, high: int) -> StartOffset:
    known = committed is not None and committed.topic_id == topic_id
    return StartOffset(committed.offset if committed and known and low <= committed.offset <= high else high)


def _at_once(runner: StepRunner, call: Any) -> None:
    """Pay however old the claim is."""


def _no_renewal(calls: Calls) -> None:
    """Nobody hears of the calls in progress."""


def _nobody_is_fenced(alive: Any, renew: Any, sent: float) -> None:
    renew({call.call_id: call.thought_id for call in alive})
    for call in alive:
        call.renewed = sent


def _only_one_try(runner: StepRunner, statement: Callable[[], Any], **_: Any) -> Any:
    return statement()


def _leaves_at_once(runner: StepRunner, statement: Callable[[], Any]) -> Any:
    """Who is told to end does not ask once more for what may be its own claim."""

    def ask() -> Any:
        if runner._shutting_down():
            raise ShuttingDownError
        return statement()

    return runner._retry_until_success(ask)


def _closes_what_is_stored(lane: Lane, record: Any, turn: int) -> None:
    _STORED(lane, record, turn)
    lane._offsets.close(record.offset)


_STORED: Final = Lane.accepted


def _dispatched_is_forgotten(lane: Lane) -> list[Any]:
    """What is not known to be sent is not sent again."""
    found = [line.head for line in lane._lines.values() if line.phase is Phase.DISPATCHING and line.head]
    for line in lane._lines.values():
        if line.phase is Phase.DISPATCHING:
            line.watch_until(float("inf"), 0.0)
    return found


PATCHES: Final[dict[str, tuple[Any, str, Any]]] = {
    "lane.anew": (Lane, "decide_failed", _watches_go_on),
    "lane.beat": (Lane, "_watch_head", _any_change_is_none),
    "lane.patience": (Lane, "_lease_for", _hurried),
    "lane.frontier": (OffsetTracker, "frontier", property(_past_the_gap)),
    "lane.stored": (Lane, "accepted", _closes_what_is_stored),
    "lane.silence": (Lane, "heads_to_dispatch", _dispatched_is_forgotten),
    "log.id": (KafkaSource, "_check_topic_id", lambda *_: None),
    "log.start": (assignment, "choose_start_offset", _where_it_was),
    "log.earliest": (assignment, "choose_start_offset", _at_the_end),
    "log.damage": (KafkaSource, "_skip_corrupt", _passed_by_in_silence),
    "log.end": (Lane, "advance_to", lambda *_: None),
    "log.answered": (KafkaSource, "_on_commit", lambda *_: None),
    "log.epoch": (AssignedPartition, "log_was_replaced", lambda *_: False),
    "log.lost": (KafkaSource, "_on_lost", _commit_though_lost),
    "bury.id": (ingest, "record_failure_id", lambda *_: f"{random.getrandbits(128):x}"),
    "batch.feeds": (BatchSource, "_feed", lambda _: None),
    "worker.fresh": (StepRunner, "_renew_stale_claim", _at_once),
    "worker.renews": (Calls, "renew_all", _no_renewal),
    "worker.fence": (calls, "_renew", _nobody_is_fenced),
    "worker.held": (Call, "is_overdue", lambda call, now: now >= call.deadline),
    "worker.holds": (StepRunner, "_retry_until_success", _only_one_try),
    "worker.asks": (StepRunner, "_retry_before_call", _leaves_at_once),
    "worker.sure": (step_store, "confirm_rejection", lambda ask: ask()),
}


@contextmanager
def switched_off(off: frozenset[str]) -> Iterator[None]:
    """Replace what has to be replaced for these guards."""
    with ExitStack() as stack:
        for name in off & PATCHES.keys():
            stack.enter_context(patch.object(*PATCHES[name]))
        yield
