"""How the kinds of faults are drawn."""

import random
from collections import Counter

from tests.faults.catalogue import FAULTS, KINDS, draw, kind_of


def test_the_same_seed_draws_the_same_faults_of_every_kind() -> None:
    faults = draw(random.Random(3), 2000)
    assert faults == draw(random.Random(3), 2000)
    assert faults != draw(random.Random(4), 2000)
    assert set(faults) == set(FAULTS)


def test_chosen_kinds_are_caused_equally_often_and_no_other() -> None:
    kinds = ["step-clock", "fill-disk", "kill"]
    faults = draw(random.Random(3), 9, kinds)
    assert Counter(map(kind_of, faults)) == dict.fromkeys(kinds, 3)
    assert len(draw(random.Random(3), 10, kinds)) == 10


def test_every_kind_has_a_name_of_its_own() -> None:
    assert len(KINDS) == len(FAULTS)
