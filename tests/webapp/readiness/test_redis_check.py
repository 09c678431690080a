"""Redis is used for writes, publications, scripts and subscriptions: each of them can fail while the port is open."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from contracts.presence import Presence, ProcessReport
from contracts.progress import connect_redis
from tests.webapp.redis_server import RedisServer
from webapp.readiness.probe import CheckError
from webapp.readiness.redis_check import RedisCheck, check_broker

PREFIX = "health-test"


@pytest.fixture
def admin(own_redis: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(own_redis.url) as client:
        yield client


@pytest.fixture
def client(own_redis: RedisServer) -> Iterator[redis.Redis]:
    with connect_redis(own_redis.url) as client:
        yield client


def acl(*rules: str) -> list[Any]:
    return ["ACL", "SETUSER", "default", *rules]


FAULTS = {
    "replica": (["REPLICAOF", "127.0.0.1", "1"], "Redis refuses a write: it is a read-only replica."),
    "no memory": (["CONFIG", "SET", "maxmemory", "1"], "Redis refuses a write: it has no memory left."),
    "too few replicas": (["CONFIG", "SET", "min-replicas-to-write", "1"], "a write: it has too few replicas."),
    "no channels": (acl("resetchannels"), "Redis refuses a publication: its ACL does not allow it to this user."),
    "no scripting": (acl("-@scripting"), "Redis refuses a script: its ACL does not allow it to this user."),
    "no writes": (acl("-@write"), "Redis refuses a write: its ACL does not allow it to this user."),
    "no subscriptions": (acl("-subscribe"), "Redis refuses a subscription: its ACL does not allow it to this user."),
    "no streams": (acl("-xadd"), "Redis refuses a stream, a list or a hash: its ACL does not allow it to this user."),
    "no lists": (acl("-lpush"), "Redis refuses a stream, a list or a hash: its ACL does not allow it to this user."),
    "no hashes": (acl("-hset"), "Redis refuses a stream, a list or a hash: its ACL does not allow it to this user."),
    "no reading of hashes": (acl("-hgetall"), "reading the reports of the processes: its ACL"),
}


@pytest.mark.parametrize(("command", "problem"), FAULTS.values(), ids=FAULTS)
def test_a_redis_that_refuses_what_is_needed_is_noticed_and_the_refusal_is_named(
    admin: redis.Redis, client: redis.Redis, command: list[str], problem: str
) -> None:
    check = RedisCheck(client, PREFIX)
    check.run()
    admin.execute_command(*command)

    with pytest.raises(CheckError) as raised:
        check.run()

    assert problem in str(raised.value)


def test_a_redis_that_works_again_is_noticed(admin: redis.Redis, client: redis.Redis) -> None:
    admin.config_set("min-replicas-to-write", 1)
    check = RedisCheck(client, PREFIX)
    with pytest.raises(CheckError):
        check.run()
    admin.config_set("min-replicas-to-write", 0)
    Presence(admin, PREFIX).report(ProcessReport("worker", "one", slots=3))

    assert [process.report.slots for process in check.run().processes] == [3]


def test_a_redis_that_is_gone_is_unavailable(own_redis: RedisServer, client: redis.Redis) -> None:
    own_redis.kill()
    with pytest.raises(CheckError, match=r"^Redis is unavailable\.$"):
        RedisCheck(client, PREFIX).run()


def test_a_password_that_was_changed_is_named(admin: redis.Redis, client: redis.Redis) -> None:
    admin.execute_command(*acl("resetpass", ">other"))
    with pytest.raises(CheckError, match="password"):
        RedisCheck(client, PREFIX).run()


def test_a_broker_that_takes_no_write_is_noticed(admin: redis.Redis, client: redis.Redis) -> None:
    check_broker(client, PREFIX)
    admin.config_set("min-replicas-to-write", 1)
    with pytest.raises(CheckError, match="a write of messages for the workers"):
        check_broker(client, PREFIX)
