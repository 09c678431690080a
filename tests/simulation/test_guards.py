"""Each guard is necessary: without it a history violates an invariant.

The seeds are the first ones that detect the missing guard; `python -m tests.simulation guards` prints how many
histories that takes, which is one more. When actions or their weights change, the seeds change too.
"""

import subprocess
import sys

import pytest

from tests.simulation.directed_histories import DIRECTED_HISTORIES
from tests.simulation.guard_tests import GUARD_TESTS
from tests.simulation.guards import GUARDS
from tests.simulation.histories import draw, play
from tests.simulation.invariants import Invariant
from tests.simulation.shrink import shortest
from tests.stores import ROOT

FIRST_SEEDS = [
    ("accept.id", 0, Invariant.ORDER),
    ("accept.text", 16, Invariant.OFFSETS),
    ("accept.lock", 11, Invariant.ORDER),
    ("decide.head", 1, Invariant.ORDER),
    ("decide.lock", 4, Invariant.ORDER),
    ("decide.terminal", 0, Invariant.OFFSETS),
    ("decide.failed", 26, Invariant.OFFSETS),
    ("decide.owner", 163, Invariant.OFFSETS),
    ("decide.beat", 2, Invariant.PAID_ONCE),
    ("decide.new_token", 0, Invariant.SOLO_QUEUE),
    ("decide.same_token", 15, Invariant.TERMINATION),
    ("decide.clears_call", 4, Invariant.TERMINATION),
    ("claim.status", 19, Invariant.TERMINATION),
    ("claim.token", 0, Invariant.SOLO_QUEUE),
    ("claim.saved", 0, Invariant.SAVED_ONCE),
    ("claim.step", 16, Invariant.ORDER),
    ("claim.call", 0, Invariant.PAID_ONCE),
    ("claim.repeat", 7, Invariant.PAID_ONCE),
    ("claim.counts_once", 205, Invariant.RETRY_LIMIT),
    ("claim.max", 1288, Invariant.RETRY_LIMIT),
    ("claim.counts_first", 349, Invariant.RETRY_LIMIT),
    ("claim.not_before", 0, Invariant.RETRY_LIMIT),
    ("renew.locked", 26, Invariant.PAID_ONCE),
    ("save.call", 24, Invariant.SAVED_ONCE),
    ("save.attempts", 0, Invariant.RETRY_LIMIT),
    ("save.losses", 0, Invariant.SOLO_QUEUE),
    ("retry.call", 207, Invariant.PAID_ONCE),
    ("fail.turn", 1004, Invariant.DEAD_LETTERS),
    ("fail.outbox", 15, Invariant.DEAD_LETTERS),
    ("dead_letter.once", 11, Invariant.DEAD_LETTERS),
    ("dead_letter.id", 11, Invariant.DEAD_LETTERS),
    ("replay.open", 1867, Invariant.DEAD_LETTERS),
    ("replay.new_turn", 33, Invariant.ORDER),
    ("replay.attempts", 92, Invariant.RETRY_LIMIT),
    ("resend.open", 979, Invariant.DEAD_LETTERS),
    ("discard.open", 11, Invariant.DEAD_LETTERS),
    ("delete.call", 78, Invariant.TERMINATION),
    ("relay.acknowledged", 50, Invariant.DEAD_LETTERS),
    ("relay.idle", 12, Invariant.TERMINATION),
    ("sweep.emits", 8, Invariant.TERMINATION),
    ("lane.outage", 155, Invariant.PAID_ONCE),
    ("lane.beat", 0, Invariant.PAID_ONCE),
    ("lane.lease", 3, Invariant.PAID_ONCE),
    ("lane.frontier", 0, Invariant.OFFSETS),
    ("lane.accepted", 4, Invariant.OFFSETS),
    ("lane.resend", 3, Invariant.TERMINATION),
    ("source.topic_id", 17, Invariant.OFFSETS),
    ("source.start", 130, Invariant.OFFSETS),
    ("source.earliest", 1, Invariant.TERMINATION),
    ("source.corrupt", 9, Invariant.OFFSETS),
    ("source.end", 29, Invariant.TERMINATION),
    ("source.retry", 2700, Invariant.TERMINATION),
    ("batch.users", 1, Invariant.BATCHES),
    ("batch.shared", 67, Invariant.BATCHES),
    ("batch.end", 26, Invariant.BATCHES),
    ("worker.claim_age", 0, Invariant.PAID_ONCE),
    ("worker.renewal", 0, Invariant.PAID_ONCE),
    ("worker.retries", 1, Invariant.PAID_ONCE),
    ("worker.last_try", 57, Invariant.PAID_ONCE),
    ("worker.fence", 0, Invariant.PAID_ONCE),
    ("worker.result", 16, Invariant.PAID_ONCE),
    ("worker.call_id", 0, Invariant.PAID_ONCE),
]


@pytest.mark.parametrize(("name", "seed", "invariant"), FIRST_SEEDS)
def test_a_history_violates_an_invariant_without_the_guard(name: str, seed: int, invariant: Invariant) -> None:
    violation = play(draw(seed), frozenset({name})).violation
    assert violation is not None
    assert violation.invariant is invariant


@pytest.mark.parametrize("name", DIRECTED_HISTORIES)
def test_a_directed_history_violates_an_invariant_only_without_the_guard(name: str) -> None:
    assert play(DIRECTED_HISTORIES[name]).violation is None
    assert play(DIRECTED_HISTORIES[name], frozenset({name})).violation is not None


def test_every_guard_has_a_history_or_a_test_of_its_own() -> None:
    names = [*GUARD_TESTS, *DIRECTED_HISTORIES, *(name for name, *_ in FIRST_SEEDS)]
    assert sorted(names) == sorted(guard.name for guard in GUARDS)


def test_a_history_is_the_same_in_every_process() -> None:
    """The end of this history depends on the ids of dead letters, and so on the bytes and the times of records."""
    program = (
        "from tests.simulation.histories import draw, play; print(*play(draw(214), with_trace=True).trace, sep='\\n')"
    )
    other = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    for _ in range(2):
        assert play(draw(214), with_trace=True).trace == tuple(other.stdout.splitlines())


def test_shrinking_keeps_the_actions_that_violate_the_invariant() -> None:
    disabled = frozenset({"lane.frontier"})
    whole = next(draw(seed) for seed in range(20) if play(draw(seed), disabled).violation)
    part = shortest(whole, disabled)
    expected, violation = play(whole, disabled).violation, play(part, disabled).violation
    assert expected is not None
    assert violation is not None
    assert (violation.invariant, len(part) < 10) == (expected.invariant, True)
