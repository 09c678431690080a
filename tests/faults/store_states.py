"""Faults that leave a store reachable and make it refuse: it answers every write with an error."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import redis

from tests.faults.context import FaultContext
from tests.running_stack import Stack
from tests.stores import execute, with_database

TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()"
"""Ends all connections to a database but this one."""


@contextmanager
def read_only_postgres(stack: Stack) -> Iterator[None]:
    """Let PostgreSQL accept no write, as after a failover to a standby; connections of this time stay open afterwards.

    The processes connect again at the start, and their sessions keep what they found then.
    """
    url = str(stack.initial_status["database_url"])
    server, name = with_database(url, "postgres"), url.rpartition("/")[2]
    execute(server, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on', TERMINATE.format(name))
    try:
        yield
    finally:
        execute(server, f'ALTER DATABASE "{name}" RESET default_transaction_read_only')


@contextmanager
def demoted_redis(stack: Stack) -> Iterator[None]:
    """Make Redis a replica of a server that does not exist: it answers reads from its data, and refuses writes."""
    with redis.Redis.from_url(stack.initial_status["redis_url"]) as client:
        client.execute_command("REPLICAOF", "localhost", "1")
        try:
            yield
        finally:
            client.execute_command("REPLICAOF", "NO", "ONE")


@contextmanager
def redis_without_memory(stack: Stack) -> Iterator[None]:
    """Leave Redis no memory: it refuses every command that may need some, and evicts nothing."""
    with redis.Redis.from_url(stack.initial_status["redis_url"]) as client:
        client.config_set("maxmemory", 1)
        try:
            yield
        finally:
            client.config_set("maxmemory", 0)


def make_postgres_read_only(context: FaultContext) -> str:
    """Let PostgreSQL refuse writes for a while."""
    return f"postgres read-only {_last(context, read_only_postgres(context.stack)):.0f} s"


def demote_redis(context: FaultContext) -> str:
    """Make Redis a replica for a while."""
    return f"redis a replica {_last(context, demoted_redis(context.stack)):.0f} s"


def exhaust_redis_memory(context: FaultContext) -> str:
    """Leave Redis no memory for a while."""
    return f"redis without memory {_last(context, redis_without_memory(context.stack)):.0f} s"


def fill_disk(context: FaultContext) -> str:
    """Let no process and no store write to the disk for a while."""
    if context.disk is None:
        return "full disk: left out, mount is refused"
    return f"disk full {_last(context, context.disk.full()):.0f} s"


def _last(context: FaultContext, fault: AbstractContextManager[None]) -> float:
    with fault:
        return context.wait(3, 12)
