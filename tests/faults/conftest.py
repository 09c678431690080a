"""One stack for the tests that kill its parts, with a patience short enough to wait for."""

from collections.abc import Iterator

import pytest

from tests.eventually import eventually
from tests.running import Stack, running_stack

SHORT_PATIENCE = {
    "PATIENCE_SECONDS": "8",
    "RENEW_SECONDS": "2",
    "CALL_DEADLINE_SECONDS": "6",
    "KAFKA_RETRY_BACKOFF_MS": "100",
    "SCRIPTED_DELAY_MS": "100",
    "SSE_HEARTBEAT_INTERVAL": "2",
}


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
