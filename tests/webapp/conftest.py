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

from contracts.database import Database, make_engine
from contracts.progress import ProgressPublisher, connect_redis
from contracts.settings import Settings, load_settings
from tests.eventually import eventually
from tests.stores import Stores, a_database
from tests.webapp.web_processes import Served, served
from tests.webapp.worker_by_hand import Work
from webapp import create_app

Serve = Callable[..., Served]
MakeApp = Callable[..., Flask]

LIMIT = 30
"""Streams that the lively web process takes."""

EMPTY = text("""
    DELETE FROM dead_letters; DELETE FROM outbox; DELETE FROM agent_runs; DELETE FROM thoughts; DELETE FROM batches;
    DELETE FROM users; DELETE FROM audits
""")
"""One transaction; TRUNCATE would make new files for every table and index."""


@pytest.fixture(scope="package")
def package_database(stores: Stores, template: str) -> Iterator[str]:
    with a_database(stores, template) as url:
        yield url


@pytest.fixture(scope="package")
def package_connections(package_settings: Settings) -> Iterator[Database]:
    engine = make_engine(package_settings.database_url, "test")
    yield Database(engine)
    engine.dispose()


@pytest.fixture
def database_url(package_database: str, package_connections: Database) -> str:
    """One database for all tests here, emptied before each: making one takes longer than most of these tests."""
    with package_connections.engine.connect() as connection:
        connection.execute(EMPTY)
    return package_database


@pytest.fixture
def database(package_connections: Database, settings: Settings) -> Database:
    return package_connections


@pytest.fixture(scope="package")
def prefix() -> str:
    """The Redis channels of all tests here; users tell the tests apart."""
    return f"updates-{uuid4().hex[:12]}"


@pytest.fixture
def overrides(prefix: str) -> dict[str, Any]:
    return {"redis_sse_prefix": prefix}


@pytest.fixture(scope="package")
def package_settings(stores: Stores, package_database: str, prefix: str) -> Settings:
    """What a web process needs that outlives the tests."""
    return load_settings(
        _env_file=None,
        database_url=package_database,
        redis_url=stores.redis_url,
        redis_sse_prefix=prefix,
        kafka_bootstrap_servers=stores.kafka_bootstrap,
        secret_key="a-secret-key-for-tests-only",
        trust_user_id=True,
    )


@pytest.fixture(scope="package")
def package_serve(package_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    with served(package_settings, tmp_path_factory.mktemp("webs")) as start:
        yield start


@pytest.fixture(scope="package")
def package_web(package_serve: Serve) -> Served:
    return package_serve()


@pytest.fixture(scope="package")
def package_lively_web(package_serve: Serve) -> Served:
    return package_serve(SSE_HEARTBEAT_INTERVAL="0.3", SSE_MAX_CONNECTIONS=str(LIMIT))


@pytest.fixture
def web(package_web: Served, settings: Settings) -> Iterator[Served]:
    """A real web process that the tests share: what reaches a reader here came live, no heartbeat comes in time."""
    yield package_web
    package_web.close_readers()


@pytest.fixture
def lively_web(package_lively_web: Served, settings: Settings) -> Iterator[Served]:
    """Another one, with a heartbeat every 0.3 s and LIMIT streams at most; those of earlier tests are gone."""
    eventually(lambda: package_lively_web.metric("thoughts_streams_open") == 0)
    yield package_lively_web
    package_lively_web.close_readers()


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
def publisher(settings: Settings) -> Iterator[ProgressPublisher]:
    client = connect_redis(settings.redis_url)
    yield ProgressPublisher(client, settings.redis_sse_prefix)
    client.close()


@pytest.fixture
def work(database: Database, publisher: ProgressPublisher) -> Work:
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
