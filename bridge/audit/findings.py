"""Turns facts that the audit has read into findings: what is inconsistent, and what to do about it. Pure.

An audit of running stores reads no common snapshot. It therefore reads in an order in which a healthy system looks
consistent (commits before record states, outbox rows before the ends of the log), and reports an inconsistency that may
disappear only when a second snapshot has it too. A commit past an open thought cannot disappear: it is always reported.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bridge.kafka.start_offset import PartitionOffsets, choose_start_offset

ALWAYS_CONFIRMED: Final = frozenset({"frontier"})
"""The kinds that need no second snapshot."""

MAX_OUTBOX_AGE_SECONDS: Final = 60.0
"""An outbox row may be this old while Kafka is available."""

MAX_SWEEP_DELAY_SECONDS: Final = 180.0
"""The sweep may be this late: it runs every minute, with a page of users per statement."""

MAX_BATCH_DELAY_SECONDS: Final = 60.0
"""A bridge begins a requested batch within this time."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One inconsistency. `subject` identifies what is inconsistent, the thought where there is one; `line` says what
    was found and what to do about it."""

    kind: str
    subject: str
    text: str


def confirm_findings(first: Sequence[Finding], second: Sequence[Finding]) -> list[Finding]:
    """Return the findings of two successive snapshots that both have, and those of ALWAYS_CONFIRMED from either."""
    in_first = {(finding.kind, finding.subject) for finding in first}
    confirmed = [
        finding for finding in second if finding.kind in ALWAYS_CONFIRMED or (finding.kind, finding.subject) in in_first
    ]
    in_second = {(finding.kind, finding.subject) for finding in confirmed}
    only_first = [
        finding
        for finding in first
        if finding.kind in ALWAYS_CONFIRMED and (finding.kind, finding.subject) not in in_second
    ]
    return only_first + confirmed


def commit(offsets: PartitionOffsets) -> list[Finding]:
    """Report a committed offset that no bridge can start from."""
    start = choose_start_offset(offsets.committed, offsets.topic_id, offsets.low, offsets.high)
    if not start.alarm:
        return []
    advice = (
        "Check that a bridge runs: it reads the partition from there and commits a valid offset. The sweep re-emits"
        " open thoughts whose records are gone."
    )
    return [Finding("commit", f"partition {offsets.partition}", f"{start.alarm}. {advice}")]


def frontier(partition: int, offset: int, done_below: int, thought: str | None, state: str) -> Finding:
    """Report a record below the committed offset that is not done; `thought` is None for an unreadable record."""
    problem = f"the committed offset {done_below} is past this record, which is {state}, so no bridge reads it again"
    advice = (
        "The sweep re-emits the thought if it is stored and open. Otherwise, or to have the record read now: stop the"
        f" bridges, set the consumer group back to offset {offset}, and start the bridges."
    )
    subject = "unreadable record" if thought is None else f"thought {thought}"
    return Finding("frontier", f"partition {partition} offset {offset} {subject}", f"{problem}. {advice}")


def without_record(thought: str, overdue_seconds: float) -> list[Finding]:
    """Report an open thought that has no record and no outbox row, once the sweep is late."""
    if overdue_seconds < MAX_SWEEP_DELAY_SECONDS:
        return []
    problem = f"it is open, has no Kafka record and no outbox row, and the sweep is {overdue_seconds:.0f} s late"
    advice = "Check that a relay runs and that Kafka is available to it."
    return [Finding("no_record", f"thought {thought}", f"{problem}. {advice}")]


def stalled(thought: str, step: int, in_call: bool, seconds: float) -> Finding:
    """Report a thought in work whose lease has expired and that no bridge has taken over."""
    where = "in its call" if in_call else "before its call"
    problem = f"step {step} has had no heartbeat {where} for {seconds:.0f} s, and no bridge has taken it over"
    return Finding("stalled", f"thought {thought}", f"{problem}. Check that a bridge runs, and read its log.")


def order(thought: str, user: str, step: int, turn: int) -> Finding:
    """Report a call that began before its turn."""
    problem = (
        f"step {step} in turn {turn} of user {user} began before an earlier thought or step of that user had ended"
    )
    advice = "This is a defect. Report it with the agent_runs rows of that user."
    return Finding("order", f"thought {thought}", f"{problem}. {advice}")


def steps(thought: str, status: str, steps_done: int, runs: int) -> Finding:
    """Report a thought whose saved steps contradict its row."""
    problem = f"it is {status} with steps_done {steps_done}, and agent_runs has {runs} of its steps"
    advice = "A row of agent_runs was lost, or a table was edited by hand. Restore the rows from a backup."
    return Finding("steps", f"thought {thought}", f"{problem}. {advice}")


def attempts(thought: str, most: int, allowed: int) -> Finding:
    """Report a step that was called more often than a first call and its retries allow."""
    problem = f"a step was called {most} times, but KAFKA_MAX_RETRIES allows {allowed} calls"
    advice = "Ignore this if the setting was higher at the time. Otherwise a retry was not counted: report the defect."
    return Finding("attempts", f"thought {thought}", f"{problem}. {advice}")


def outbox(row: int, seconds: float) -> list[Finding]:
    """Report the oldest row that waits for the relay, once it is too old."""
    if seconds < MAX_OUTBOX_AGE_SECONDS:
        return []
    problem = f"it has waited for {seconds:.0f} s although Kafka is available"
    return [Finding("outbox", f"row {row}", f"{problem}. Check that a relay runs, and read its log.")]


def parked(row: int, topic: str, key: str, reason: str) -> Finding:
    """Report an outbox row that Kafka rejected permanently."""
    problem = f"it is parked and will not be published: {reason}"
    advice = f"Fix the cause, then run `UPDATE outbox SET parked_at = NULL WHERE id = {row}`."  # noqa: S608  text for people
    return Finding("parked", f"row {row} for {topic}, key {key}", f"{problem}. {advice}")


def failed_without_dead_letter(thought: str, turn: int) -> Finding:
    """Report a failed thought that is not among the dead letters."""
    problem = f"it failed in turn {turn} and has no dead letter, so it cannot be replayed"
    advice = "`python -m bridge dead-letters rebuild` restores it if the dead letter topic still holds it."
    return Finding("dead_letter", f"thought {thought}", f"{problem}. {advice}")


def dead_letter_without_failure(failure: str, thought: str, status: str) -> Finding:
    """Report an open dead letter whose thought did not fail in that turn."""
    problem = f"the dead letter is open, but its thought {thought} did not fail in that turn and is now {status}"
    advice = "It cannot be replayed. Close it with `python -m bridge dead-letters discard`."
    return Finding("dead_letter", f"failure {failure}", f"{problem}. {advice}")


def dead_letter_not_indexed(failure: str, partition: int, offset: int) -> Finding:
    """Report a record of the dead letter topic that has no row in the index."""
    problem = (
        f"it is in the dead letter topic (partition {partition} offset {offset}) but not in the table dead_letters"
    )
    return Finding("dead_letter", f"failure {failure}", f"{problem}. `python -m bridge dead-letters rebuild` adds it.")


def dead_letter_not_in_topic(failure: str, thought: str, partition: int | None, offset: int | None) -> Finding:
    """Report a dead letter that the topic does not hold: `offset` is None when Kafka has never acknowledged it.

    `thought` is "-" for a record that never became a thought.
    """
    owner = "a record" if thought == "-" else f"thought {thought}"
    if offset is None:
        problem = f"the dead letter of {owner} was never published and has no outbox row"
    else:
        position = f"partition {partition} offset {offset} of the dead letter topic"
        problem = f"the dead letter of {owner} should be at {position}, but no record there has its failure id"
    return Finding(
        "dead_letter", f"failure {failure}", f"{problem}. `python -m bridge dead-letters republish` publishes it again."
    )


def batch(number: int, seconds: float) -> list[Finding]:
    """Report a batch that no bridge has begun in time."""
    if seconds < MAX_BATCH_DELAY_SECONDS:
        return []
    problem = f"it was requested {seconds:.0f} s ago and no bridge has begun it"
    advice = "Check that a bridge runs in batch mode (KAFKA_ENABLED=false or KAFKA_MODE=false)."
    return [Finding("batch", f"batch {number}", f"{problem}. {advice}")]
