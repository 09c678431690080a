"""Random histories: every invariant holds in each of them."""

from typing import Final

import pytest

from tests.simulation.fault_coverage import Campaign
from tests.simulation.histories import play
from tests.simulation.step_checks import LATE_CLAIM

HISTORIES: Final = 200
"""`make simulate` plays 10,000, and CI runs it after the suite."""

HISTORIES_PER_TEST: Final = 100


@pytest.mark.parametrize("first_seed", range(0, HISTORIES, HISTORIES_PER_TEST))
def test_random_histories_violate_no_invariant(first_seed: int) -> None:
    campaign = Campaign()
    campaign.play(range(first_seed, first_seed + HISTORIES_PER_TEST))
    if campaign.violation is not None:
        violation, command = campaign.violation, f"python -m tests.simulation replay {campaign.failed_seed}"
        raise AssertionError(f"{violation.invariant.value}: {violation.description}. To see it: {command}")


def test_a_claim_that_arrives_after_its_call_is_not_an_abandoned_call() -> None:
    history = [
        *[("submit as first user", 0), ("run all", 0), ("run all", 0), ("run worker", 0)],
        *[("step: delayed", 0), ("medium pause", 0), ("medium pause", 0), ("medium pause", 0)],
        *[("run worker", 0), ("medium pause", 0)],  # the claim times out, and is sent again after a delay
        *[("run worker", 0), ("run worker", 0), ("run worker", 0), ("agent: transient error", 0)],
        *[("step: answer late", 0), ("medium pause", 0)],  # the retry is scheduled, and its answer is on the way
        ("delayed request arrives", 0),
    ]
    result = play(history)
    assert result.violation is None
    assert result.observations[LATE_CLAIM] == 1
