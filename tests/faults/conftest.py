"""One stack for the tests that kill its parts, with a patience short enough to wait for."""

from collections.abc import Iterator

import pytest

from tests.eventually import eventually
from tests.faults.rounds import SHORT_PATIENCE
from tests.running_stack import Stack, running_stack


@pytest.fixture(scope="package")
def faulty_stack() -> Iterator[Stack]:
    scale = "bridge=2,worker=2,relay=2"
    with running_stack(SHORT_PATIENCE, scale) as running:
        yield running


@pytest.fixture
def stack(faulty_stack: Stack) -> Stack:
    """The stack with every process up again after the last test's kills."""
    eventually(lambda: all(process["ready"] for process in faulty_stack.status()["processes"]), timeout=60)
    return faulty_stack
