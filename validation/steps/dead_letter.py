"""The last part of step 10: a thought that must fail becomes a dead letter in Kafka, and is replayed.

Only the scripted agents fail on request, so this is done only where they answered the earlier thoughts.
"""

import time
from typing import Final

from agents.catalogue import CATALOGUE
from bridge.dead_letters.replay import replay
from contracts.database import Row
from validation.outcome import StepFailedError
from validation.queries import DEAD_LETTER
from validation.site import Site
from validation.steps.progress import read_thought, unfinished
from validation.waiting import wait_for

SCRIPTED: Final = "scripted"
FAILING_AGENT: Final = CATALOGUE.names[-1]
TEXT: Final = f"Validation: this thought fails once. [[fail:{FAILING_AGENT}:permanent:1]]"
RELAY_CURE: Final = "read the log of the relay: it writes dead letters to Kafka"


def check_dead_letter(site: Site) -> str:
    """Submit a thought that fails, look for its dead letter in Kafka, replay it, and wait for its second end."""
    thought = site.visitor.submit(TEXT)
    failed = _wait_for_end(site, thought.id, thought.sent_at)
    letter = wait_for(lambda: _delivered_letter(site, thought.id, failed.turn), thought.sent_at + site.seconds)
    if failed.status != "failed" or letter is None:
        raise StepFailedError(
            f"thought {thought.id}, which must fail, is {failed.status}, and its dead letter is not in Kafka",
            RELAY_CURE,
        )
    result = replay(site.database, letter.failure_id, site.settings)
    if not result.changed:
        raise StepFailedError(result.line(), "`python -m bridge dead-letters show ID` says what became of it")
    again = _wait_for_end(site, thought.id, time.monotonic(), after_turn=failed.turn)
    return (
        f"dead letter {letter.failure_id} ({letter.reason} failure of {FAILING_AGENT}) in "
        f"{site.settings.kafka_dead_letter_topic}, partition {letter.kafka_partition}, offset {letter.kafka_offset}; "
        f"replayed as turn {again.turn}: {describe_replay(again.status, again.steps_done)}"
    )


def describe_replay(status: str, steps_done: int) -> str:
    """Return how the replayed thought ended. Both ends show that it was processed again from the failed step on.

    Scripted agents without a call log count from 1 again after a replay, and then fail again as the text says.
    """
    if status == "completed":
        return f"completed with {steps_done} steps"
    return f"resumed at step {steps_done + 1}, and failed again as its text demands"


def _wait_for_end(site: Site, thought_id: str, since: float, *, after_turn: int = 0) -> Row:
    """Wait until the thought is terminal in a turn after this one. Raises StepFailedError when it takes too long."""

    def ended() -> Row | None:
        row = read_thought(site, thought_id)
        return row if row.turn > after_turn and row.status not in {"pending", "processing"} else None

    row = wait_for(ended, since + site.seconds)
    if row is None:
        raise unfinished(thought_id, read_thought(site, thought_id), "end", site.seconds)
    return row


def _delivered_letter(site: Site, thought_id: str, turn: int) -> Row | None:
    """Return the dead letter once the relay has noted its offset in Kafka."""
    row = site.database.row(DEAD_LETTER, id=thought_id, turn=turn)
    return row if row is not None and row.kafka_offset is not None else None
