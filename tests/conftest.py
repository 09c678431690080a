"""Fixtures of the whole suite: stores for the session, and for each test its own database, Redis and topic names."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from sqlalchemy import text

from contracts.database import Database, make_engine
from contracts.settings import Settings, load_settings
from tests.eventually import eventually
from tests.parallel import FileScheduling, sort_items
from tests.stores import (
    Stores,
    create_template,
    ensure_stores,
    execute,
    started_stores,
    stores_directory,
    temporary_database,
)
from tests.versions import describe_versions

STORES_DIRECTORY = pytest.StashKey[str]()
"""Key of the directory of this run's stores."""


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileScheduling:
    return FileScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = sort_items(items)


def pytest_configure(config: pytest.Config) -> None:
    """Create the directory of the stores in the main process; pytest_configure_node passes it to the parallel ones."""
    if not hasattr(config, "workerinput"):
        exit_stack = ExitStack()
        config.stash[STORES_DIRECTORY] = str(exit_stack.enter_context(stores_directory()))
        config.add_cleanup(exit_stack.close)


def pytest_configure_node(node: Any) -> None:
    node.workerinput["stores"] = node.config.stash[STORES_DIRECTORY]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if stores := started_stores(Path(config.stash[STORES_DIRECTORY])):
        terminalreporter.write_line(f"Run on {describe_versions(stores)}")


@pytest.fixture(scope="session")
def stores(pytestconfig: pytest.Config) -> Stores:
    worker_input: dict[str, str] = getattr(pytestconfig, "workerinput", {})
    return ensure_stores(Path(worker_input.get("stores") or pytestconfig.stash[STORES_DIRECTORY]))


@pytest.fixture(scope="session")
def template(stores: Stores) -> Iterator[str]:
    name = create_template(stores)
    yield name
    execute(stores.database_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def database_url(stores: Stores, template: str) -> Iterator[str]:
    with temporary_database(stores, template) as url:
        yield url


@pytest.fixture
def redis_client(stores: Stores) -> Iterator[redis.Redis]:
    """A client of an empty Redis database."""
    client = redis.Redis.from_url(stores.redis_url)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def overrides() -> dict[str, Any]:
    """Settings that differ for a test module, which overrides this fixture."""
    return {}


@pytest.fixture
def settings(stores: Stores, database_url: str, redis_client: redis.Redis, overrides: dict[str, Any]) -> Settings:
    """Settings with names of this test only, so that no test sees another's records or messages."""
    unique = uuid4().hex[:12]
    defaults = {
        "database_url": database_url,
        "redis_url": stores.redis_url,
        "redis_sse_prefix": f"updates-{unique}",
        "kafka_bootstrap_servers": stores.kafka_bootstrap,
        "kafka_topic": f"work-{unique}",
        "kafka_dead_letter_topic": f"work-{unique}-dlq",
        "kafka_events_topic": f"events-{unique}",
        "kafka_consumer_group": f"group-{unique}",
        "secret_key": "a-secret-key-for-tests-only",
        "trust_user_id": True,
        "allow_scripted": True,
        "ai_provider": "scripted",
    }
    return load_settings(_env_file=None, **(defaults | overrides))


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    engine = make_engine(
        settings.database_url, "test", statement_seconds=30.0
    )  # large rows take long on a busy machine
    yield Database(engine)
    engine.dispose()


def has_leaders(admin: AdminClient, topic: str) -> bool:
    """Return whether every partition has a leader, so that the broker accepts records for it.

    The broker reports a topic as created a moment earlier.
    """
    partitions = admin.list_topics(topic, timeout=10).topics[topic].partitions
    return bool(partitions) and all(partition.leader >= 0 for partition in partitions.values())


@pytest.fixture
def topics(settings: Settings) -> Iterator[None]:
    """Creates the three topics of `settings` on the real broker, and deletes them after the test."""
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    names = [settings.kafka_topic, settings.kafka_dead_letter_topic, settings.kafka_events_topic]
    for creation in admin.create_topics([NewTopic(name, settings.kafka_partitions, 1) for name in names]).values():
        creation.result(30)
    eventually(lambda: all(has_leaders(admin, name) for name in names))
    yield
    for deletion in admin.delete_topics(names).values():
        deletion.result(30)


@pytest.fixture
def user_id(database: Database) -> UUID:
    """The id of an existing user."""
    user = uuid4()
    database.rows(text("INSERT INTO users (id) VALUES (:id)"), id=user)
    return user
