"""One stack for the tests that kill its processes, with a lease short enough to wait for."""

from collections.abc import Iterator

import pytest

from tests.eventually import eventually
from tests.faults.rounds import SHORT_LEASE_SETTINGS
from tests.running_stack import Stack, running_stack


@pytest.fixture(scope="package")
def shared_stack() -> Iterator[Stack]:
    scale = "bridge=2,worker=2,relay=2"
    with running_stack(SHORT_LEASE_SETTINGS, scale) as stack:
        yield stack


@pytest.fixture
def stack(shared_stack: Stack) -> Stack:
    """The stack, once every process that the last test killed is ready again."""
    eventually(lambda: all(process["ready"] for process in shared_stack.status()["processes"]), timeout=60)
    return shared_stack
