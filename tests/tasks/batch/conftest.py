"""A database for each test: a batch is of all thoughts there are."""

from collections.abc import Iterator
from typing import Any

import pytest

from contracts.database import Database
from tasks.batches import Batches
from tests.stores import Stores, a_database


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_enabled": False}


@pytest.fixture
def database_url(stores: Stores, template: str) -> Iterator[str]:
    with a_database(stores, template) as url:
        yield url


@pytest.fixture
def batches(database: Database) -> Batches:
    return Batches(database)
