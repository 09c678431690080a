"""Fixtures of the whole suite: stores for the session; a database, a Redis and topic names of its own for each test."""

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
from tests.parallel import Files, in_order
from tests.stores import Stores, a_database, execute, home_of_stores, migrated, stores_in

STORES = pytest.StashKey[str]()
"""The directory of the stores of this run."""


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Files:
    return Files(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = in_order(items)


def pytest_configure(config: pytest.Config) -> None:
    """The process that collects, or runs alone, keeps the stores; the parallel ones are told where."""
    if not hasattr(config, "workerinput"):
        ends = ExitStack()
        config.stash[STORES] = str(ends.enter_context(home_of_stores()))
        config.add_cleanup(ends.close)


def pytest_configure_node(node: Any) -> None:
    node.workerinput["stores"] = node.config.stash[STORES]


@pytest.fixture(scope="session")
def stores(pytestconfig: pytest.Config) -> Stores:
    told: dict[str, str] = getattr(pytestconfig, "workerinput", {})
    return stores_in(Path(told.get("stores") or pytestconfig.stash[STORES]))


@pytest.fixture(scope="session")
def template(stores: Stores) -> Iterator[str]:
    name = migrated(stores)
    yield name
    execute(stores.database_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def database_url(stores: Stores, template: str) -> Iterator[str]:
    with a_database(stores, template) as url:
        yield url


@pytest.fixture
def redis_client(stores: Stores) -> Iterator[redis.Redis]:
    """A client of an emptied Redis."""
    client = redis.Redis.from_url(stores.redis_url)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def overrides() -> dict[str, Any]:
    """Settings that a test module wants different; it overrides this fixture."""
    return {}


@pytest.fixture
def settings(stores: Stores, database_url: str, redis_client: redis.Redis, overrides: dict[str, Any]) -> Settings:
    """Settings with names of their own, so that no test sees another's records or messages."""
    unique = uuid4().hex[:12]
    own = {
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
    return load_settings(_env_file=None, **(own | overrides))


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    engine = make_engine(settings.database_url, "test")
    yield Database(engine)
    engine.dispose()


def is_led(admin: AdminClient, topic: str) -> bool:
    """Whether the broker takes records for every partition: it says that a topic is made a moment earlier."""
    partitions = admin.list_topics(topic, timeout=10).topics[topic].partitions
    return bool(partitions) and all(partition.leader >= 0 for partition in partitions.values())


@pytest.fixture
def topics(settings: Settings) -> Iterator[None]:
    """The three topics of `settings`, on the real broker, for the time of the test."""
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    names = [settings.kafka_topic, settings.kafka_dead_letter_topic, settings.kafka_events_topic]
    for made in admin.create_topics([NewTopic(name, settings.kafka_partitions, 1) for name in names]).values():
        made.result(30)
    eventually(lambda: all(is_led(admin, name) for name in names))
    yield
    for gone in admin.delete_topics(names).values():
        gone.result(30)


@pytest.fixture
def user_id(database: Database) -> UUID:
    """A user who is there."""
    user = uuid4()
    database.rows(text("INSERT INTO users (id) VALUES (:id)"), id=user)
    return user
