"""Runs the web application in this process, with real PostgreSQL, Redis and Kafka."""

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
from contracts.progress import ProgressPublisher, connect_redis, stream_key
from contracts.settings import Settings, load_settings
from tests.eventually import eventually
from tests.stores import Stores, temporary_database
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import Browser
from tests.webapp.redis_server import RedisServer
from tests.webapp.reported_processes import ALL_KINDS, reported
from tests.webapp.web_processes import WebProcess, web_launcher
from webapp import create_app

StartWeb = Callable[..., WebProcess]
MakeApp = Callable[..., Flask]
CountRows = Callable[[str], int]

MAX_STREAMS = 30
"""The most streams that `fast_web` accepts."""

TOPICS = {
    "kafka_topic": "thought-processing",
    "kafka_dead_letter_topic": "thought-processing-dlq",
    "kafka_events_topic": "thought-events",
}
"""The topics that every Kafka of this project has. No process of these tests writes to them."""

DELETE_ALL_ROWS = text("""
    DELETE FROM dead_letters; DELETE FROM outbox; DELETE FROM agent_runs; DELETE FROM thought_vectors;
    DELETE FROM thoughts; DELETE FROM batches;
    DELETE FROM webhooks; DELETE FROM sign_ins; DELETE FROM password_resets; DELETE FROM api_tokens;
    DELETE FROM security_events;
    DELETE FROM former_profiles; DELETE FROM users; DELETE FROM audits
""")
"""One transaction. TRUNCATE would create new files for every table and index."""

DELETE_SECONDS = 60.0
"""How long a statement may take. On a busy machine the deletion of a long list took longer than the usual limit."""


@pytest.fixture(scope="package")
def package_database(stores: Stores, template: str) -> Iterator[str]:
    with temporary_database(stores, template) as url:
        yield url


@pytest.fixture(scope="package")
def package_connections(package_settings: Settings) -> Iterator[Database]:
    engine = make_engine(package_settings.database_url, "test", statement_seconds=DELETE_SECONDS)
    yield Database(engine)
    engine.dispose()


@pytest.fixture
def database_url(package_database: str, package_connections: Database) -> str:
    """One database for the package, emptied before each test, because creating one takes longer than most tests."""
    with package_connections.engine.connect() as connection:
        connection.execute(DELETE_ALL_ROWS)
    return package_database


@pytest.fixture
def database(package_connections: Database, settings: Settings) -> Database:
    return package_connections


@pytest.fixture(scope="package")
def prefix() -> str:
    """The prefix of the Redis keys and channels of all tests of this package, which use different users."""
    return f"updates-{uuid4().hex[:12]}"


@pytest.fixture
def overrides(prefix: str) -> dict[str, Any]:
    return {"redis_sse_prefix": prefix, **TOPICS}


@pytest.fixture(scope="package")
def package_settings(stores: Stores, package_database: str, prefix: str) -> Settings:
    """Settings of a web process that several tests share."""
    return load_settings(
        _env_file=None,
        database_url=package_database,
        redis_url=stores.redis_url,
        redis_sse_prefix=prefix,
        kafka_bootstrap_servers=stores.kafka_bootstrap,
        **TOPICS,
        secret_key="a-secret-key-for-tests-only",
        trust_user_id=True,
    )


@pytest.fixture(scope="package")
def package_start_web(package_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartWeb]:
    with web_launcher(package_settings, tmp_path_factory.mktemp("webs")) as start:
        yield start


@pytest.fixture(scope="package")
def package_web(package_start_web: StartWeb) -> WebProcess:
    return package_start_web()


@pytest.fixture(scope="package")
def package_fast_web(package_start_web: StartWeb) -> WebProcess:
    return package_start_web(SSE_HEARTBEAT_INTERVAL="0.3", SSE_MAX_CONNECTIONS=str(MAX_STREAMS))


@pytest.fixture
def web(package_web: WebProcess, settings: Settings) -> Iterator[WebProcess]:
    """A real web process that the tests share. Its heartbeats are too rare for a test, so every event arrives live."""
    yield package_web
    package_web.close_streams()


@pytest.fixture
def fast_web(package_fast_web: WebProcess, settings: Settings) -> Iterator[WebProcess]:
    """A shared web process with a heartbeat every 0.3 s and at most MAX_STREAMS streams; no stream is open yet."""
    eventually(lambda: package_fast_web.metric("thoughts_streams_open") == 0)
    yield package_fast_web
    package_fast_web.close_streams()


@pytest.fixture
def make_app(settings: Settings) -> Iterator[MakeApp]:
    """Create applications: `make_app(name=value, ...)` with the settings that differ from `settings`."""
    apps: list[Flask] = []

    def make(**changes: Any) -> Flask:
        apps.append(create_app(settings.model_copy(update=changes)))
        apps[-1].test_client_class = Browser
        return apps[-1]

    yield make
    for app in apps:
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
def _system_runs(settings: Settings) -> Iterator[None]:
    """Let the web see every other kind of process, so that it promises an analysis."""
    with reported(settings, *ALL_KINDS):
        yield


@pytest.fixture
def publisher(settings: Settings) -> Iterator[ProgressPublisher]:
    client = connect_redis(settings.redis_url)
    yield ProgressPublisher(client, settings.redis_prefix)
    client.close()


@pytest.fixture
def worker(database: Database, publisher: ProgressPublisher) -> FakeWorker:
    return FakeWorker(database, publisher)


@pytest.fixture
def start_web(settings: Settings, tmp_path: Path) -> Iterator[StartWeb]:
    """Start real web processes: `start_web(NAME="value", ...)` with the settings that differ from `settings`."""
    with web_launcher(settings, tmp_path) as start:
        yield start


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis server of the test, which it may kill."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def count_rows(database: Database) -> CountRows:
    """Count the rows of a table."""
    statements = {
        "thoughts": text("SELECT count(*) FROM thoughts"),
        "outbox": text("SELECT count(*) FROM outbox"),
        "users": text("SELECT count(*) FROM users"),
    }
    return lambda table: int(database.rows(statements[table])[0][0])


def post_published(
    web: WebProcess, client: redis.Redis, settings: Settings, user: UUID, text: str = "a thought"
) -> UUID:
    """Submit a thought, and wait until its event is in the user's history.

    The web publishes in the background, so nothing else orders it before the events of a worker. A test that asserts on
    ids or on the history must wait for it.
    """
    thought = web.post(text, user)
    key = stream_key(settings.redis_prefix, user)

    def is_published() -> bool:
        entries: Any = client.xrange(key)
        return any(str(thought).encode() in fields[b"message"] for _, fields in entries)

    eventually(is_published)
    return thought


def history_length(client: redis.Redis, settings: Settings, user: UUID) -> int:
    return int(client.xlen(f"{settings.redis_prefix}:{user}:events"))
