"""A whole stack that is configured like a public installation, for this folder's tests."""

from collections.abc import Iterator

import pytest

from tests.running_stack import Stack, running_stack

SETTINGS = {"TRUST_USER_ID": "false", "SSE_HEARTBEAT_INTERVAL": "1"}


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    with running_stack(SETTINGS) as running:
        yield running
