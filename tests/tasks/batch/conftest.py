"""A database for each test: a batch is of all thoughts there are."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from contracts.database import Database
from tasks.batches import Batches
from tests.stores import Stores, execute, sibling


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_enabled": False}


@pytest.fixture
def database_url(stores: Stores, template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    execute(stores.database_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield sibling(stores.database_url, name)
    execute(stores.database_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def batches(database: Database) -> Batches:
    return Batches(database)
