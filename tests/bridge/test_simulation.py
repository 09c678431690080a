"""Whole histories of bridges, workers and faults on PostgreSQL in memory: done once, in order, nothing lost."""

import pytest

from tests.bridge.protocol_faults import FaultyWorld

HISTORIES = 40


@pytest.mark.parametrize("first", range(0, 400, HISTORIES))
def test_whatever_dies_every_thought_ends_once_and_in_the_order_of_turns(first: int) -> None:
    for seed in range(first, first + HISTORIES):
        try:
            FaultyWorld(seed).run()
        except AssertionError as broken:
            raise AssertionError(f"seed {seed}: {broken}") from broken
