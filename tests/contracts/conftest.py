"""Fixtures of the tests of contracts."""

from collections.abc import Iterator

import pytest
from psycopg2 import extensions


@pytest.fixture
def restore_wait_callback() -> Iterator[None]:
    """Restore the process's wait callback after a test that creates its own engine."""
    callback = extensions.get_wait_callback()
    yield
    extensions.set_wait_callback(callback)
