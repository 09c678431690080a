"""Two installations on one Redis: with two prefixes neither sees anything of the other's Celery."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis

from contracts.database import Database
from contracts.events import thought_created
from contracts.progress import ProgressPublisher, channel, connect_redis, stream_key
from contracts.queues import key_prefix, queue_keys
from contracts.settings import Settings
from tasks.application import create_app
from tests.eventually import eventually
from tests.stores import with_database
from tests.tasks.test_celery_worker import new_head, terminal_status
from tests.tasks.worker_processes import dispatch, running_worker

OTHER_PREFIXES = ["{}-b", "{}:thoughts", "{}:", "b"]
"""Prefixes beside an installation's own one, `{}`, of which some begin with it or are names of its keys."""


@pytest.fixture
def overrides(tmp_path: Path) -> dict[str, Any]:
    return {"scripted_call_log": str(tmp_path / "calls")}


def beside(settings: Settings, pattern: str) -> Settings:
    """Return the settings of another installation on the same Redis."""
    return settings.model_copy(update={"redis_sse_prefix": pattern.format(settings.redis_sse_prefix)})


@pytest.fixture(params=OTHER_PREFIXES)
def other(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    return beside(settings, request.param)


WITHOUT_KEYS = {
    "AUTH", "CLIENT", "ECHO", "EXEC", "HELLO", "INFO", "MULTI", "PING", "SCRIPT", "SELECT", "TIME", "UNWATCH",
}  # fmt: skip
"""The commands that name no key and no channel."""


def keys_of(command: str) -> list[str]:
    """Return the keys and channels that a command names."""
    name, *arguments = command.split(" ")
    match name.upper():
        case known if known in WITHOUT_KEYS:
            return []
        case "EVALSHA" | "EVAL":
            return arguments[2 : 2 + int(arguments[1])]
        case "BRPOP":
            return arguments[:-1]
        case "DEL" | "WATCH" | "PSUBSCRIBE" | "SUBSCRIBE" | "PUNSUBSCRIBE" | "UNSUBSCRIBE" | "EXISTS":
            return arguments
        case _:
            return arguments[:1]


@contextmanager
def commands_of(client: redis.Redis) -> Iterator[list[str]]:
    """Collect the commands that this client's database receives, also those of scripts, until the block ends."""
    number = client.get_connection_kwargs()["db"]
    seen: list[str] = []
    with client.monitor() as monitor:

        def collect() -> None:
            for entry in monitor.listen():
                if entry["db"] == number:
                    if entry["command"] == "ECHO until here":
                        return
                    seen.append(entry["command"])

        thread = threading.Thread(target=collect, daemon=True)
        thread.start()
        yield seen
        client.echo("until here")
        thread.join(30)


def test_a_worker_leaves_the_messages_of_another_prefix(
    settings: Settings, other: Settings, database: Database, redis_client: redis.Redis, tmp_path: Path
) -> None:
    """The worker of the other prefix has consumed its own later message when the first one is looked at."""
    foreign, own = new_head(database, settings), new_head(database, settings)
    with running_worker(other, tmp_path):
        dispatch(settings, [foreign])
        dispatch(other, [own])
        assert eventually(lambda: terminal_status(database, own)) == "completed"
        assert sum(redis_client.llen(key) for key in queue_keys(settings.redis_prefix, "thoughts")) == 1
        assert terminal_status(database, foreign) is None
    with running_worker(settings, tmp_path):
        assert eventually(lambda: terminal_status(database, foreign)) == "completed"


@pytest.mark.parametrize("number", ["9", "10"])
def test_another_database_of_the_same_redis_has_other_channels(
    settings: Settings, redis_client: redis.Redis, number: str
) -> None:
    """Redis shares channels among its databases, so the same user's events would be seen in both."""
    neighbour = settings.model_copy(update={"redis_url": with_database(settings.redis_url, number)})
    user, thought = uuid4(), uuid4()
    subscription = redis_client.pubsub(ignore_subscribe_messages=True)
    subscription.subscribe(channel(settings.redis_prefix, user))
    subscription.get_message(timeout=5)
    foreign, own = thought_created(user, uuid4(), "of the neighbour"), thought_created(user, thought, "own")
    ProgressPublisher(connect_redis(neighbour.redis_url), neighbour.redis_prefix).publish(foreign)
    ProgressPublisher(redis_client, settings.redis_prefix).publish(own)
    message = eventually(lambda: subscription.get_message(timeout=1))
    assert str(thought) in message["data"].decode()
    with redis.Redis.from_url(neighbour.redis_url) as client:
        client.delete(stream_key(neighbour.redis_prefix, user))
    subscription.close()


def test_every_key_and_channel_of_a_worker_begins_with_its_prefix(
    settings: Settings, database: Database, redis_client: redis.Redis, tmp_path: Path
) -> None:
    """Also during a call, when the message is recorded as unacknowledged, with task events and remote control."""
    head = new_head(database, settings, "[[delay:analysis:1500]]")
    with commands_of(redis_client) as seen, running_worker(settings, tmp_path) as worker:
        dispatch(settings, [head])
        app = create_app(settings)
        assert eventually(lambda: app.control.ping(timeout=1.0))
        assert eventually(lambda: terminal_status(database, head)) == "completed"
        app.control.purge()
        worker.send_sigterm()
        worker.wait_for_exit()
    names = {name for command in seen for name in keys_of(command)}
    own = key_prefix(settings.redis_prefix)
    assert {f"{own}thoughts", f"{own}unacked", f"{own}unacked_index"} <= names
    assert f"{own}unacked_mutex" in names
    assert any("celeryev" in name for name in names)
    assert any("pidbox" in name for name in names)
    assert {name for name in names if not name.startswith(own)} == set()
    assert [key for key in redis_client.scan_iter() if not key.startswith(own.encode())] == []
