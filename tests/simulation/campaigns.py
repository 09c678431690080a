"""The histories of the suite, in two files so that two processes share them."""

from typing import Final

from tests.simulation.coverage import Campaign

RUNS: Final = 3_000
"""`make simulate` plays 10,000: they take longer than all the other tests."""

AT_ONCE: Final = 250
SEEDS: Final = [range(at, min(at + AT_ONCE, RUNS)) for at in range(0, RUNS, AT_ONCE)]


def keep_the_promise(seeds: range) -> None:
    """Play these, and say how to see the shortest history that breaks a sentence."""
    campaign = Campaign()
    campaign.play(seeds)
    if campaign.breach is not None:
        again = f"python -m tests.simulation replay {campaign.seed}"
        raise AssertionError(f"{campaign.breach.sentence.value}: {campaign.breach.what}. To see it: {again}")
