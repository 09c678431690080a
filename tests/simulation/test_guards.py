"""The histories have teeth: each guard that the promise hangs on is missed when it is switched off.

The seeds are those at which `python -m tests.simulation guards` misses them first, which says how many histories it
played: one more. When actions or their weights change, the seeds change too.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.directed import DIRECTED
from tests.simulation.guards import GUARDS
from tests.simulation.histories import draw, play
from tests.simulation.sentences import Sentence
from tests.simulation.shrink import shortest
from tests.simulation.tested import TESTED
from tests.stores import ROOT

TESTS = Path(__file__).parents[1]

MISSED = [
    ("accept.id", 0, Sentence.ORDER),
    ("accept.text", 16, Sentence.OFFSETS),
    ("accept.lock", 11, Sentence.ORDER),
    ("decide.head", 1, Sentence.ORDER),
    ("decide.lock", 4, Sentence.ORDER),
    ("decide.open", 0, Sentence.OFFSETS),
    ("decide.failed", 26, Sentence.OFFSETS),
    ("decide.owner", 163, Sentence.OFFSETS),
    ("decide.beat", 2, Sentence.PAID),
    ("decide.new_token", 0, Sentence.ALONE),
    ("decide.same_token", 15, Sentence.ENDS),
    ("decide.frees", 4, Sentence.ENDS),
    ("claim.status", 19, Sentence.ENDS),
    ("claim.token", 0, Sentence.ALONE),
    ("claim.saved", 0, Sentence.ONCE),
    ("claim.step", 16, Sentence.ORDER),
    ("claim.call", 0, Sentence.PAID),
    ("claim.same_call", 7, Sentence.PAID),
    ("claim.once", 205, Sentence.RETRIES),
    ("claim.max", 1288, Sentence.RETRIES),
    ("claim.counts", 349, Sentence.RETRIES),
    ("claim.not_before", 0, Sentence.RETRIES),
    ("renew.locked", 26, Sentence.PAID),
    ("save.call", 24, Sentence.ONCE),
    ("save.attempts", 0, Sentence.RETRIES),
    ("save.losses", 0, Sentence.ALONE),
    ("retry.call", 207, Sentence.PAID),
    ("fail.turn", 1004, Sentence.LETTERS),
    ("fail.outbox", 15, Sentence.LETTERS),
    ("bury.conflict", 11, Sentence.LETTERS),
    ("bury.id", 11, Sentence.LETTERS),
    ("replay.open", 1867, Sentence.LETTERS),
    ("replay.new_turn", 33, Sentence.ORDER),
    ("replay.attempts", 92, Sentence.RETRIES),
    ("resend.open", 979, Sentence.LETTERS),
    ("discard.open", 11, Sentence.LETTERS),
    ("delete.call", 78, Sentence.ENDS),
    ("relay.exactly", 50, Sentence.LETTERS),
    ("relay.idle", 12, Sentence.ENDS),
    ("sweep", 8, Sentence.ENDS),
    ("lane.anew", 155, Sentence.PAID),
    ("lane.beat", 0, Sentence.PAID),
    ("lane.patience", 3, Sentence.PAID),
    ("lane.frontier", 0, Sentence.OFFSETS),
    ("lane.stored", 4, Sentence.OFFSETS),
    ("lane.silence", 3, Sentence.ENDS),
    ("log.id", 17, Sentence.OFFSETS),
    ("log.start", 130, Sentence.OFFSETS),
    ("log.earliest", 1, Sentence.ENDS),
    ("log.damage", 9, Sentence.OFFSETS),
    ("log.end", 29, Sentence.ENDS),
    ("log.answered", 2700, Sentence.ENDS),
    ("batch.feeds", 1, Sentence.BATCHES),
    ("batch.later", 67, Sentence.BATCHES),
    ("batch.end", 26, Sentence.BATCHES),
    ("worker.fresh", 0, Sentence.PAID),
    ("worker.renews", 0, Sentence.PAID),
    ("worker.holds", 1, Sentence.PAID),
    ("worker.asks", 57, Sentence.PAID),
    ("worker.fence", 0, Sentence.PAID),
    ("worker.held", 16, Sentence.PAID),
    ("worker.call_id", 0, Sentence.PAID),
]


@pytest.mark.parametrize(("name", "seed", "sentence"), MISSED)
def test_without_a_guard_a_sentence_breaks(name: str, seed: int, sentence: Sentence) -> None:
    breach = play(draw(seed), frozenset({name})).breach
    assert breach is not None
    assert breach.sentence is sentence


@pytest.mark.parametrize("name", DIRECTED)
def test_without_a_guard_a_written_history_breaks_a_sentence_and_with_it_none(name: str) -> None:
    assert play(DIRECTED[name]).breach is None
    assert play(DIRECTED[name], frozenset({name})).breach is not None


def test_every_guard_is_missed_or_has_a_test_of_its_own() -> None:
    shown = [*TESTED, *DIRECTED, *(name for name, *_ in MISSED)]
    assert sorted(shown) == sorted(guard.name for guard in GUARDS)


def test_a_history_is_the_same_whenever_and_wherever_it_is_played() -> None:
    """Of this one the end hangs on the ids of dead letters, and so on the bytes of records and the time in them."""
    program = "from tests.simulation.histories import draw, play; print(*play(draw(214), tell=True).story, sep='\\n')"
    elsewhere = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    for _ in range(2):
        assert play(draw(214), tell=True).story == tuple(elsewhere.stdout.splitlines())


def test_a_broken_history_is_shortened_to_what_breaks_it() -> None:
    off = frozenset({"lane.frontier"})
    whole = next(draw(seed) for seed in range(20) if play(draw(seed), off).breach)
    part = shortest(whole, off)
    breach, again = play(whole, off).breach, play(part, off).breach
    assert breach is not None
    assert again is not None
    assert (again.sentence, len(part) < 10) == (breach.sentence, True)
