"""Random faults under load, with the code of `make faults`."""

import random

import pytest

from tests.faults.faults import cut_off_one, kill, restart_store, suspend
from tests.faults.rounds import load_run
from tests.faults.table import violations

FAULTS = (kill, suspend, restart_store, cut_off_one)
"""One of each sort, in a fixed order. The targets, times and durations are random."""


@pytest.mark.timeout(600)
def test_under_random_faults_no_thought_is_lost_reordered_or_paid_twice_without_excuse() -> None:
    seed = 7
    with load_run(random.Random(seed), seed, people=6) as run:
        for fault in FAULTS:
            assert run.round(fault).findings.violations == []
        total = run.end()
    assert violations(run.rounds, total) == []
    assert total.accepted > 0
