"""Fixtures for batches: a database per test, because a batch contains all thoughts."""

from collections.abc import Iterator
from typing import Any

import pytest

from contracts.database import Database
from tasks.batches import Batches
from tests.stores import Stores, temporary_database


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_enabled": False}


@pytest.fixture
def database_url(stores: Stores, template: str) -> Iterator[str]:
    with temporary_database(stores, template) as url:
        yield url


@pytest.fixture
def batches(database: Database) -> Batches:
    return Batches(database)
