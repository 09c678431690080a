"""Outages of the model service: thoughts wait, and all are completed soon after its end."""

from collections.abc import Iterator

import pytest

from tests.faults.model_outages import outage_stack, run_outage
from tests.faults.model_service import OUTAGES, ModelService, Outage
from tests.running_stack import Stack

SECONDS = 9.0
"""Longer than AGENT_TIMEOUT_SECONDS, so that calls without an end reach it; `make faults` takes a minute each."""


@pytest.fixture(scope="module")
def stack_and_service() -> Iterator[tuple[Stack, ModelService]]:
    with outage_stack() as parts:
        yield parts


@pytest.mark.parametrize("outage", OUTAGES)
def test_thirty_thoughts_survive_an_outage_of_their_model(
    stack_and_service: tuple[Stack, ModelService], outage: Outage
) -> None:
    stack, service = stack_and_service
    result = run_outage(stack, service, outage, SECONDS)
    assert result.violations == ()
    assert result.waited > 0, "the outage ended before a thought noticed it"
