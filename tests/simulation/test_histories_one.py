"""The first half of the histories: every sentence of the promise holds in each of them."""

import pytest

from tests.simulation.campaigns import SEEDS, keep_the_promise


@pytest.mark.parametrize("seeds", SEEDS[0::2], ids=str)
def test_the_promise_is_kept_whatever_happens(seeds: range) -> None:
    keep_the_promise(seeds)
