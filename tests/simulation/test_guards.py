"""The histories have teeth: without a guard that the promise hangs on, a few of them are enough to break it."""

import pytest

from tests.simulation.guards import GUARDS, catch
from tests.simulation.histories import draw, play
from tests.simulation.promise import Sentence
from tests.simulation.shrink import shortest

ENOUGH = 200

MISSED = [
    ("accept.id", Sentence.ORDER),
    ("decide.head", Sentence.ORDER),
    ("decide.lock", Sentence.ORDER),
    ("decide.open", Sentence.OFFSETS),
    ("decide.frees", Sentence.ENDS),
    ("claim.saved", Sentence.ONCE),
    ("claim.call", Sentence.PAID),
    ("save.call", Sentence.ONCE),
    ("fail.outbox", Sentence.LETTERS),
    ("bury.conflict", Sentence.LETTERS),
    ("bury.id", Sentence.LETTERS),
    ("sweep", Sentence.ENDS),
    ("lane.anew", Sentence.PAID),
    ("lane.beat", Sentence.PAID),
    ("lane.patience", Sentence.PAID),
    ("lane.frontier", Sentence.OFFSETS),
    ("lane.stored", Sentence.OFFSETS),
    ("lane.silence", Sentence.ENDS),
    ("log.start", Sentence.OFFSETS),
    ("log.earliest", Sentence.OFFSETS),
    ("worker.holds", Sentence.PAID),
    ("worker.call_id", Sentence.PAID),
]


@pytest.mark.parametrize(("name", "sentence"), MISSED)
def test_without_a_guard_a_sentence_breaks(name: str, sentence: Sentence) -> None:
    (guard,) = [one for one in GUARDS if one.name == name]
    caught = catch(guard, ENOUGH)
    assert caught is not None
    assert caught.breach.sentence is sentence


def test_a_history_is_the_same_whenever_it_is_played() -> None:
    assert play(draw(11), tell=True) == play(draw(11), tell=True)


def test_a_broken_history_is_shortened_to_what_breaks_it() -> None:
    off = frozenset({"lane.silence"})
    whole = draw(0)
    part = shortest(whole, off)
    breach, again = play(whole, off).breach, play(part, off).breach
    assert breach is not None
    assert again is not None
    assert (again.sentence, len(part) < 10) == (breach.sentence, True)
