"""What does not add up: from counted facts to findings. Pure.

A look at running stores is no snapshot. The facts are therefore read in an order in which a healthy system cannot look
sick (commits before verdicts, rows of the outbox before the ends of the log), and what may pass by itself counts only
when a second look finds it again. A commit past an open thought never becomes right by waiting: it is `CERTAIN`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bridge.kafka.start_offset import PartitionOffsets, choose_start_offset

ALWAYS_CONFIRMED: Final = frozenset({"frontier"})

MAX_OUTBOX_AGE_SECONDS: Final = 60.0
"""How old a row of the outbox may be while Kafka answers."""

MAX_SWEEP_DELAY_SECONDS: Final = 180.0
"""How late the sweep may be: it runs every minute and takes so many users a time."""

MAX_BATCH_DELAY_SECONDS: Final = 60.0
"""How long a batch may be asked for before a bridge begins it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not add up. `subject` names it, with the thought where there is one; `line` says what was
    found, and what to do."""

    kind: str
    subject: str
    line: str


def confirmed(first: Iterable[Finding], second: Iterable[Finding]) -> list[Finding]:
    """What two looks, one after the other, both found; and what is certain, whichever found it."""
    known = {(one.kind, one.subject) for one in first}
    again = list(second)
    kept = [one for one in again if one.kind in ALWAYS_CONFIRMED or (one.kind, one.subject) in known]
    present = {(one.kind, one.subject) for one in kept}
    return [one for one in first if one.kind in ALWAYS_CONFIRMED and (one.kind, one.subject) not in present] + kept


def commit(position: PartitionOffsets) -> list[Finding]:
    """A committed offset that no bridge can begin with."""
    start = choose_start_offset(position.committed, position.topic_id, position.low, position.high)
    if not start.alarm:
        return []
    advice = "it says nothing of this log; the sweep rings again for what is open"
    return [Finding("commit", f"partition {position.partition}", f"{start.alarm}; {advice}")]


def frontier(partition: int, offset: int, done_below: int, thought: str, state: str) -> Finding:
    """A record below the committed offset that is not done."""
    what = f"the committed offset {done_below} is past this record, which is {state}"
    advice = (
        "nobody reads it again; the sweep rings for an open thought, and stopping the bridges and setting the group"
    )
    back = f"{advice} back to {offset} makes it be read now"
    return Finding("frontier", f"partition {partition} offset {offset} thought {thought}", f"{what}; {back}")


def without_record(thought: str, overdue_seconds: float) -> list[Finding]:
    """An open thought without a record or a row of the outbox, once the sweep is late."""
    if overdue_seconds < MAX_SWEEP_DELAY_SECONDS:
        return []
    what = (
        f"nothing rings for it, and the sweep is {overdue_seconds:.0f} s late; see that a relay runs and reaches Kafka"
    )
    return [Finding("unrung", f"thought {thought}", what)]


def stalled(thought: str, step: int, in_call: bool, seconds: float) -> Finding:
    """A thought in work that nobody works on and nobody watches."""
    where = "in its call" if in_call else "before its call"
    what = f"step {step} has been silent {where} for {seconds:.0f} s and nobody took it over; see that a bridge runs"
    return Finding("silent", f"thought {thought}", what)


def order(thought: str, user: str, step: int, turn: int) -> Finding:
    """A call that began before its turn."""
    what = f"step {step} in turn {turn} of user {user} began before an earlier thought or step of that user had ended"
    return Finding(
        "order", f"thought {thought}", f"{what}; compare agent_runs, and keep it for whoever mends the protocol"
    )


def steps(thought: str, status: str, steps_done: int, runs: int) -> Finding:
    """A thought whose saved steps are not those that its row tells."""
    what = f"it is {status} with steps_done {steps_done}, and agent_runs has {runs} of its steps"
    return Finding("steps", f"thought {thought}", f"{what}; a row of agent_runs was lost or added by hand")


def attempts(thought: str, most: int, allowed: int) -> Finding:
    """A step called more often than a first time and its retries."""
    what = f"a step was called {most} times, KAFKA_MAX_RETRIES allows {allowed}"
    return Finding("attempts", f"thought {thought}", f"{what}; unless the setting was higher, a retry was not counted")


def outbox(row: int, seconds: float) -> list[Finding]:
    """The oldest row that waits for Kafka."""
    if seconds < MAX_OUTBOX_AGE_SECONDS:
        return []
    what = f"it has waited for {seconds:.0f} s while Kafka answers; see that a relay runs, and what it logs"
    return [Finding("outbox", f"row {row}", what)]


def parked(row: int, topic: str, key: str, reason: str) -> Finding:
    """A row that Kafka refuses."""
    again = "when that is mended, set its parked_at to NULL"
    return Finding("parked", f"row {row} for {topic}, key {key}", f"Kafka refuses it: {reason}; {again}")


def failed_without_dead_letter(thought: str, turn: int) -> Finding:
    """A failed thought that nobody can find among the dead letters."""
    what = f"it failed in turn {turn} and has no dead letter; `python -m bridge dead-letters` cannot replay it"
    return Finding("letter", f"thought {thought}", what)


def dead_letter_without_failure(failure: str, thought: str, status: str) -> Finding:
    """An open dead letter whose thought did not fail, or not in that turn."""
    what = f"the dead letter is open, and its thought {thought} is {status} in another turn or state; discard it"
    return Finding("letter", f"failure {failure}", what)


def dead_letter_not_indexed(failure: str, partition: int, offset: int) -> Finding:
    """A record of the dead letter topic that the table does not know."""
    what = f"it stands in the dead letter topic, partition {partition} offset {offset}, and not in the table"
    return Finding("letter", f"failure {failure}", f"{what}; `python -m bridge dead-letters rebuild` adds it")


def dead_letter_not_in_topic(failure: str, thought: str, partition: int | None, offset: int | None) -> Finding:
    """A dead letter that was acknowledged and is not to be found, or that is not even on its way."""
    what = f"thought {thought}'s dead letter should be in the topic"
    place = f"partition {partition} offset {offset}, and no record there has its id"
    where = place if offset is not None else "and is not on its way"
    advice = "`python -m bridge dead-letters publish` writes it there again"
    return Finding("letter", f"failure {failure}", f"{what}, {where}; {advice}")


def batch(number: int, seconds: float) -> list[Finding]:
    """A batch that no bridge begins."""
    if seconds < MAX_BATCH_DELAY_SECONDS:
        return []
    what = f"it was asked for {seconds:.0f} s ago and has not begun; see that a bridge runs with KAFKA_MODE=false"
    return [Finding("batch", f"batch {number}", what)]
