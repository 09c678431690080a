"""The web application in this process, with real PostgreSQL and Redis; Kafka only needs to be reachable."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from contracts.progress import Publisher, connect
from contracts.settings import Settings
from tests.stores import Stores, execute, sibling
from tests.webapp.serving import Served, served
from tests.webapp.work import Work
from webapp import create_app

Serve = Callable[..., Served]
MakeApp = Callable[..., Flask]


@pytest.fixture(scope="package")
def package_database(stores: Stores, template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    execute(stores.database_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield sibling(stores.database_url, name)
    execute(stores.database_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def database_url(package_database: str) -> str:
    """One database for all tests here, emptied before each: making one takes longer than most of these tests."""
    execute(package_database, "TRUNCATE users, thoughts, agent_runs, outbox, dead_letters, batches")
    return package_database


@pytest.fixture
def make_app(settings: Settings) -> Iterator[MakeApp]:
    """Makes applications: `make_app(name=value, ...)` with what differs from `settings`."""
    made: list[Flask] = []

    def make(**changed: Any) -> Flask:
        made.append(create_app(settings.model_copy(update=changed)))
        return made[-1]

    yield make
    for app in made:
        services = app.extensions["services"]
        services.close()
        services.database.engine.dispose()
        services.redis.close()


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without a cookie."""
    return app.test_client()


@pytest.fixture
def publisher(settings: Settings) -> Iterator[Publisher]:
    client = connect(settings.redis_url)
    yield Publisher(client, settings.redis_sse_prefix)
    client.close()


@pytest.fixture
def work(database: Database, publisher: Publisher) -> Work:
    return Work(database, publisher)


@pytest.fixture
def serve(settings: Settings, tmp_path: Path) -> Iterator[Serve]:
    """Starts real web processes: `serve(NAME="value", ...)` with what differs from `settings`."""
    with served(settings, tmp_path) as start:
        yield start


@pytest.fixture
def count(database: Database) -> Callable[[str], int]:
    """How many rows a table has."""
    tables = {
        "thoughts": text("SELECT count(*) FROM thoughts"),
        "outbox": text("SELECT count(*) FROM outbox"),
        "users": text("SELECT count(*) FROM users"),
    }
    return lambda table: int(database.rows(tables[table])[0][0])


def stream_length(client: redis.Redis, settings: Settings, user: UUID) -> int:
    return int(client.xlen(f"{settings.redis_sse_prefix}:{user}:events"))
