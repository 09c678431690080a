"""Fixtures for the tests of the memory."""

from collections.abc import Callable
from typing import Any

import pytest

from contracts.database import Database
from contracts.settings import Settings
from tests.tasks.conftest import MakeMemory, MakeRunner
from tests.tasks.memory.lives import Life

NewLife = Callable[[], Life]


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_renew_seconds": 1.0, "agent_timeout_seconds": 30.0, "kafka_retry_backoff_ms": 1}


@pytest.fixture
def new_life(database: Database, settings: Settings, make_runner: MakeRunner, make_memory: MakeMemory) -> NewLife:
    """Returns a function that makes a new user with a worker of their own."""
    return lambda: Life(database, settings, make_runner, make_memory)


@pytest.fixture
def life(new_life: NewLife) -> Life:
    return new_life()
