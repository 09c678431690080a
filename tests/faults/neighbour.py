"""A second installation on the same servers: it does its own work, or refuses to start, and takes nothing of ours."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import redis

from contracts.installation import installation_key
from tests.eventually import eventually
from tests.faults.context import FaultContext, settings_of
from tests.flow.installations import Installation
from tests.running_stack import Stack
from tests.stores import create_template, execute, select_stores, with_database

THOUGHTS = 6
ALL = ("relay", "bridge", "worker")


@contextmanager
def second_installation(stack: Stack, *, prefix: str = "", group: str = "") -> Iterator[Installation]:
    """Make an installation with its own database; its prefix and its consumer group are new unless they are given.

    The topics are the same. At the end its processes are killed and its database is dropped.
    """
    stores = select_stores(stack.initial_status)
    name = create_template(stores)
    url = with_database(stores.database_url, name)
    own = f"neighbour-{uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory(prefix="neighbour-") as folder:
        changes = {
            "database_url": url.replace("postgresql://", "postgresql+psycopg2://"),
            "redis_url": stores.redis_url,
            "celery_broker_url": stores.redis_url,
            "kafka_bootstrap_servers": stores.kafka_bootstrap,
            "redis_sse_prefix": prefix or own,
            "kafka_consumer_group": group or own,
            "scripted_call_log": f"{folder}/calls",
        }
        installation = Installation(settings_of(stack).model_copy(update=changes), Path(folder))
        try:
            yield installation
        finally:
            installation.close()
            execute(stores.database_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def work_beside(stack: Stack) -> list[str]:
    """Let a second installation complete some of its thoughts; return what went wrong."""
    with second_installation(stack) as installation:
        installation.accept(THOUGHTS)
        installation.start(*ALL)
        try:
            installation.wait_until_completed()
        except AssertionError:
            return [f"of {THOUGHTS} thoughts of a second installation the statuses are {installation.statuses()}"]
        dead_letters = installation.count_dead_letters()
    return [f"a second installation has {dead_letters} dead letters"] if dead_letters else []


def start_with_our_prefix(stack: Stack) -> list[str]:
    """Start workers of a second installation with the prefix of the first one; return what went wrong."""
    prefix = settings_of(stack).redis_prefix
    with redis.Redis.from_url(stack.initial_status["redis_url"]) as client:
        eventually(lambda: client.exists(installation_key(prefix)))  # a process renews the claim after a loss of data
    with second_installation(stack, prefix=prefix) as installation:
        (worker,) = installation.start("worker")
        status = worker.wait(60)
        refusals = installation.log("worker").count("Cannot start. REDIS_SSE_PREFIX")
    return [] if (status, refusals) == (1, 1) else [f"a worker of a second installation ended with {status}"]


def add_second_installation(context: FaultContext) -> str:
    """Let a second installation work beside the load, or try to take its names."""
    if context.rng.random() < 0.3:
        context.violations += start_with_our_prefix(context.stack)
        return "a second installation, our prefix"
    context.violations += work_beside(context.stack)
    return "a second installation, own names"
