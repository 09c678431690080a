"""Removes the guards in Python code: each one's method is replaced during a history.

The simulated statements remove the guards in SQL themselves, in `sql_*.py` and `database.py`.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

from confluent_kafka import TopicPartition

from bridge.consumer import assignment, ingest
from bridge.consumer import lane as lane_module
from bridge.consumer.batch_source import BatchSource
from bridge.consumer.committer import Committer
from bridge.consumer.kafka_source import KafkaSource
from bridge.consumer.lane import DATABASE_RETRY_SECONDS, Lane
from bridge.consumer.line import Line, Phase
from bridge.consumer.offset_tracker import OffsetTracker
from bridge.consumer.partition import AssignedPartition
from bridge.kafka.start_offset import CommittedOffset, StartOffset
from tasks import calls, step_store
from tasks.admission import transitions, waits
from tasks.admission.gate import Gate
from tasks.calls import Call, Calls
from tasks.statement_retry import ShuttingDownError, StatementRetry
from tasks.step import StepRunner


def _decide_failed_keeping_leases(lane: Lane, now: float) -> None:
    for line in lane._lines.values():
        if line.phase is Phase.DECIDING:
            line.watch_until(now + DATABASE_RETRY_SECONDS, now)


def _watch_head_ignoring_the_beat(lane: Lane, line: Line, head: Any, now: float) -> None:
    """Count the lease from the first poll of a thought, although its beat has changed since."""
    if head is not None and line.version is not None and line.version.thought_id == head.thought_id:
        unchanged_since, lease_seconds = line.unchanged_since, line.lease_seconds
        _WATCH_HEAD(lane, line, head, now)
        line.unchanged_since, line.lease_seconds = unchanged_since, lease_seconds
    else:
        _WATCH_HEAD(lane, line, head, now)


_WATCH_HEAD: Final = Lane._watch_head


def _quarter_lease(_: Any, lease_seconds: float) -> float:
    return lease_seconds / 4


def _frontier_past_the_gap(offsets: OffsetTracker) -> int:
    return offsets._next


def _commit_lost_partitions(source: KafkaSource, client: Any, partitions: Any) -> None:
    source._on_revoke(client, partitions)


def _skip_corrupt_without_dead_letter(
    source: KafkaSource, assigned: Any, number: int, first_offset: int, error: Any
) -> None:
    source._consumer.seek(TopicPartition(source._topic, number, first_offset + 1))


def _start_at_any_commit(committed: CommittedOffset | None, topic_id: str, low: int, high: int) -> StartOffset:
    return StartOffset(committed.offset if committed and low <= committed.offset <= high else low)


def _start_at_the_end(committed: CommittedOffset | None, topic_id: str, low: int, high: int) -> StartOffset:
    is_same_topic = committed is not None and committed.topic_id == topic_id
    return StartOffset(committed.offset if committed and is_same_topic and low <= committed.offset <= high else high)


def _call_with_any_claim(runner: StepRunner, call: Any) -> None:
    """Call the agent without renewing an old claim."""


def _no_renewal(calls: Calls) -> None:
    """Renew no call."""


def _renew_without_fencing(alive: Any, renew: Any, sent: float) -> None:
    renew({call.call_id: call.thought_id for call in alive})
    for call in alive:
        call.renewed_at = sent


def _single_try(_: StatementRetry, statement: Callable[[], Any], **__: Any) -> Any:
    return statement()


def _give_up_while_shutting_down(retry: StatementRetry, statement: Callable[[], Any]) -> Any:
    """Do not repeat a claim without an answer, although it may have succeeded."""

    def try_once() -> Any:
        if retry._shutting_down():
            raise ShuttingDownError
        return statement()

    return retry.until_answered(try_once)


def _accepted_closing_the_offset(lane: Lane, record: Any, turn: int) -> None:
    _ACCEPTED(lane, record, turn)
    lane._offsets.close(record.offset)


_ACCEPTED: Final = Lane.accepted


def _heads_to_dispatch_once(lane: Lane) -> list[Any]:
    """Do not send a message again that may not have been sent."""
    heads = [line.head for line in lane._lines.values() if line.phase is Phase.DISPATCHING and line.head]
    for line in lane._lines.values():
        if line.phase is Phase.DISPATCHING:
            line.watch_until(float("inf"), 0.0)
    return heads


def _failure_that_counts(gate: Gate, granted: Any, error: Any, *, is_last: bool) -> None:
    gate.released(granted)


def _no_probe(state: Any, outage: Any, call_id: str, now: float) -> Any:
    return state, transitions.Denied(5.0, "outage")


def _probe_of_the_first_prober(state: Any, outage: Any, call_id: str, now: float) -> Any:
    immortal = replace(outage, prober_until=float("inf")) if outage.prober else outage
    return _REQUEST_PROBE(state, immortal, call_id, now)


_REQUEST_PROBE: Final = transitions._request_probe


PATCHES: Final[dict[str, tuple[Any, str, Any]]] = {
    "lane.outage": (Lane, "decide_failed", _decide_failed_keeping_leases),
    "lane.beat": (Lane, "_watch_head", _watch_head_ignoring_the_beat),
    "lane.lease": (lane_module, "lease_for", _quarter_lease),
    "lane.frontier": (OffsetTracker, "frontier", property(_frontier_past_the_gap)),
    "lane.accepted": (Lane, "accepted", _accepted_closing_the_offset),
    "lane.resend": (Lane, "heads_to_dispatch", _heads_to_dispatch_once),
    "source.topic_id": (Committer, "_check_topic_id", lambda *_: None),
    "source.start": (assignment, "choose_start_offset", _start_at_any_commit),
    "source.earliest": (assignment, "choose_start_offset", _start_at_the_end),
    "source.corrupt": (KafkaSource, "_skip_corrupt", _skip_corrupt_without_dead_letter),
    "source.end": (Lane, "advance_to", lambda *_: None),
    "source.retry": (KafkaSource, "_on_commit", lambda *_: None),
    "source.epoch": (AssignedPartition, "finish_previous_record_check", lambda *_: False),
    "source.lost": (KafkaSource, "_on_lost", _commit_lost_partitions),
    "dead_letter.id": (ingest, "record_failure_id", lambda *_: f"{random.getrandbits(128):x}"),
    "batch.users": (BatchSource, "_feed", lambda _: None),
    "gate.wait": (Gate, "failed", _failure_that_counts),
    "gate.probe": (transitions, "_request_probe", _no_probe),
    "gate.prober": (transitions, "_request_probe", _probe_of_the_first_prober),
    "gate.calls": (transitions, "_without_dead_calls", lambda state, _: state),
    "gate.bound": (waits, "_spread", lambda seconds, _: 3_500.0),
    "worker.claim_age": (StepRunner, "_renew_old_claim", _call_with_any_claim),
    "worker.renewal": (Calls, "renew_all", _no_renewal),
    "worker.fence": (calls, "_renew", _renew_without_fencing),
    "worker.result": (Call, "is_overdue", lambda call, now: now >= call.deadline),
    "worker.retries": (StatementRetry, "until_answered", _single_try),
    "worker.last_try": (StatementRetry, "before_call", _give_up_while_shutting_down),
    "worker.confirm": (step_store, "confirm_rejection", lambda statement: statement()),
}


@contextmanager
def switched_off(disabled: frozenset[str]) -> Iterator[None]:
    """Replace the methods of these guards, where they are in Python code."""
    with ExitStack() as stack:
        for name in disabled & PATCHES.keys():
            stack.enter_context(patch.object(*PATCHES[name]))
        yield
