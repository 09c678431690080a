"""Random histories: every sentence of the promise holds in each of them."""

from typing import Final

import pytest

from tests.simulation.coverage import Campaign

RUNS: Final = 200
"""`make simulate` plays 10,000, and CI runs it after the suite."""

AT_ONCE: Final = 100


@pytest.mark.parametrize("first", range(0, RUNS, AT_ONCE))
def test_the_promise_is_kept_whatever_happens(first: int) -> None:
    campaign = Campaign()
    campaign.play(range(first, first + AT_ONCE))
    if campaign.breach is not None:
        again = f"python -m tests.simulation replay {campaign.seed}"
        raise AssertionError(f"{campaign.breach.sentence.value}: {campaign.breach.what}. To see it: {again}")
