"""One running stack for all tests of the whole path."""

from collections.abc import Iterator

import pytest

from tests.running_stack import Stack, running_stack


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    settings = {
        "SCRIPTED_DELAY_MS": "40",
        "KAFKA_RETRY_BACKOFF_MS": "50",
        "SSE_HEARTBEAT_INTERVAL": "2",
        "WEBHOOK_LOOPBACK": "true",
    }
    with running_stack(settings) as running:
        yield running
