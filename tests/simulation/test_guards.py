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
    ("accept.id", 5, Invariant.ORDER),
    ("accept.text", 45, Invariant.OFFSETS),
    ("accept.lock", 152, Invariant.ORDER),
    ("accept.joined", 6, Invariant.JOINED),
    ("decide.head", 2, Invariant.ORDER),
    ("decide.lock", 19, Invariant.ORDER),
    ("decide.terminal", 0, Invariant.OFFSETS),
    ("decide.failed", 45, Invariant.OFFSETS),
    ("decide.owner", 3, Invariant.OFFSETS),
    ("decide.beat", 1, Invariant.PAID_ONCE),
    ("decide.new_token", 63, Invariant.SOLO_QUEUE),
    ("decide.same_token", 21, Invariant.TERMINATION),
    ("decide.clears_call", 1, Invariant.TERMINATION),
    ("claim.status", 1, Invariant.TERMINATION),
    ("claim.token", 20, Invariant.SOLO_QUEUE),
    ("claim.saved", 1, Invariant.SAVED_ONCE),
    ("claim.step", 39, Invariant.ORDER),
    ("claim.call", 1, Invariant.PAID_ONCE),
    ("claim.repeat", 10, Invariant.PAID_ONCE),
    ("claim.counts_once", 297, Invariant.RETRY_LIMIT),
    ("claim.max", 120, Invariant.RETRY_LIMIT),
    ("claim.counts_first", 9, Invariant.RETRY_LIMIT),
    ("claim.not_before", 3, Invariant.RETRY_LIMIT),
    ("renew.locked", 19, Invariant.PAID_ONCE),
    ("save.call", 20, Invariant.SAVED_ONCE),
    ("save.attempts", 0, Invariant.RETRY_LIMIT),
    ("save.losses", 1, Invariant.SOLO_QUEUE),
    ("retry.call", 1610, Invariant.PAID_ONCE),
    ("defer.service", 9, Invariant.RETRY_LIMIT),
    ("defer.free", 9, Invariant.RETRY_LIMIT),
    ("fail.turn", 505, Invariant.DEAD_LETTERS),
    ("fail.outbox", 1, Invariant.DEAD_LETTERS),
    ("dead_letter.once", 1, Invariant.DEAD_LETTERS),
    ("dead_letter.id", 1, Invariant.DEAD_LETTERS),
    ("replay.open", 48, Invariant.DEAD_LETTERS),
    ("replay.new_turn", 12, Invariant.RETRY_LIMIT),
    ("replay.attempts", 12, Invariant.RETRY_LIMIT),
    ("resend.open", 346, Invariant.DEAD_LETTERS),
    ("discard.open", 30, Invariant.DEAD_LETTERS),
    ("delete.call", 15, Invariant.TERMINATION),
    ("cancel.open", 15, Invariant.TERMINATION),
    ("cancel.call", 56, Invariant.TERMINATION),
    ("cancel.dead_letter", 18, Invariant.DEAD_LETTERS),
    ("join.turn", 21, Invariant.ORDER),
    ("join.waits", 3, Invariant.ORDER),
    ("join.call", 27, Invariant.PAID_ONCE),
    ("call.turn", 27, Invariant.ORDER),
    ("relay.acknowledged", 139, Invariant.DEAD_LETTERS),
    ("relay.idle", 13, Invariant.TERMINATION),
    ("sweep.emits", 3, Invariant.TERMINATION),
    ("lane.outage", 66, Invariant.PAID_ONCE),
    ("lane.beat", 1, Invariant.PAID_ONCE),
    ("lane.lease", 6, Invariant.PAID_ONCE),
    ("lane.frontier", 0, Invariant.OFFSETS),
    ("lane.accepted", 5, Invariant.OFFSETS),
    ("lane.resend", 1, Invariant.TERMINATION),
    ("source.topic_id", 3, Invariant.OFFSETS),
    ("source.start", 45, Invariant.OFFSETS),
    ("source.earliest", 0, Invariant.TERMINATION),
    ("source.corrupt", 1, Invariant.OFFSETS),
    ("source.end", 43, Invariant.TERMINATION),
    ("batch.users", 2, Invariant.BATCHES),
    ("batch.shared", 4, Invariant.BATCHES),
    ("batch.end", 15, Invariant.BATCHES),
    ("gate.wait", 9, Invariant.RETRY_LIMIT),
    ("gate.probe", 3, Invariant.TERMINATION),
    ("gate.calls", 2793, Invariant.TERMINATION),
    ("worker.claim_age", 63, Invariant.PAID_ONCE),
    ("worker.renewal", 3, Invariant.PAID_ONCE),
    ("worker.retries", 6, Invariant.PAID_ONCE),
    ("worker.last_try", 79, Invariant.PAID_ONCE),
    ("worker.fence", 63, Invariant.PAID_ONCE),
    ("worker.result", 9, Invariant.PAID_ONCE),
    ("worker.call_id", 1, Invariant.PAID_ONCE),
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
