"""Faults at random while people write: the promise as a whole, by the same code as `make faults`."""

import random

import pytest

from tests.faults.faults import cut_off_one, kill, restart_store, stop
from tests.faults.rounds import running
from tests.faults.table import breaches

CHOSEN = (kill, stop, restart_store, cut_off_one)
"""Of each sort one, in a fixed order; the dice say who is hit, when, and for how long."""


@pytest.mark.timeout(600)
def test_nothing_is_lost_reordered_or_paid_twice_without_need_whatever_breaks() -> None:
    seed = 7
    with running(random.Random(seed), seed, people=6) as run:
        for fault in CHOSEN:
            assert run.round(fault).verdict.breaches == []
        total = run.end()
    assert breaches(run.rounds, total) == []
    assert total.accepted > 0
