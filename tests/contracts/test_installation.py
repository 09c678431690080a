"""An installation claims its names in Redis: another one is refused, the same one never is."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
import redis
from sqlalchemy import text

from contracts import installation
from contracts.database import Database, make_engine
from contracts.installation import (
    ForeignInstallationError,
    InstallationWatch,
    check_or_exit,
    claim_redis,
    installation_key,
    read_installation_id,
    take_over_redis,
)
from contracts.settings import Settings
from tests.stores import with_database

A, B = str(uuid4()), str(uuid4())
UNREACHABLE = "redis://127.0.0.1:9/0"


def with_prefix(settings: Settings, pattern: str) -> Settings:
    return settings.model_copy(update={"redis_sse_prefix": pattern.format(settings.redis_sse_prefix)})


def test_every_process_of_a_database_reads_the_same_id(settings: Settings, database: Database) -> None:
    other = Database(make_engine(settings.database_url, "test"))
    assert read_installation_id(database) == read_installation_id(other)
    other.engine.dispose()


def test_processes_that_find_no_id_write_one_together(database: Database) -> None:
    database.rows(text("DELETE FROM installation RETURNING id"))
    with ThreadPoolExecutor(6) as pool:
        ids = set(pool.map(lambda _: read_installation_id(database), range(6)))
    assert len(ids) == 1


def test_an_installation_claims_a_prefix_once_and_again(settings: Settings, redis_client: redis.Redis) -> None:
    for _ in range(3):
        claim_redis(settings, A)
    assert redis_client.get(installation_key(settings.redis_prefix)) == A.encode()


def test_another_installation_is_refused_in_one_line_that_names_the_setting(
    settings: Settings, redis_client: redis.Redis
) -> None:
    claim_redis(settings, A)
    with pytest.raises(ForeignInstallationError, match=f"^REDIS_SSE_PREFIX: another .*{A}.*{B}") as refused:
        claim_redis(settings, B)
    assert "\n" not in str(refused.value)
    assert redis_client.get(installation_key(settings.redis_prefix)) == A.encode()


JUNK = [
    b"",
    b"buy milk",
    b"\xff\xfe",
    b"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
    b"{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
]


@pytest.mark.parametrize("junk", JUNK)
def test_a_key_that_holds_no_id_of_an_installation_is_claimed(
    settings: Settings, redis_client: redis.Redis, junk: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    redis_client.set(installation_key(settings.redis_prefix), junk)
    claim_redis(settings, A)
    assert redis_client.get(installation_key(settings.redis_prefix)) == A.encode()
    assert installation_key(settings.redis_prefix) in caplog.text


def test_a_key_that_cannot_be_read_is_named(
    settings: Settings, database: Database, redis_client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    redis_client.lpush(installation_key(settings.redis_prefix), A)
    InstallationWatch(settings, database).check()
    assert "WRONGTYPE" in caplog.text
    assert installation_key(settings.redis_prefix) in caplog.text


@pytest.mark.usefixtures("redis_client")
@pytest.mark.parametrize("pattern", ["{}:b", "{}.0", "b{}"])
def test_installations_with_two_prefixes_do_not_meet(settings: Settings, pattern: str) -> None:
    claim_redis(settings, A)
    claim_redis(with_prefix(settings, pattern), B)
    claim_redis(settings, A)


@pytest.mark.usefixtures("redis_client")
def test_a_redis_of_celery_is_claimed_too(settings: Settings) -> None:
    broker = with_database(settings.redis_url, "9")
    key, client = installation_key(settings.redis_prefix), redis.Redis.from_url(broker)
    settings = settings.model_copy(update={"celery_broker_url": broker})
    try:
        claim_redis(settings, A)
        assert client.get(key) == A.encode()
        client.set(key, B)
        with pytest.raises(ForeignInstallationError, match="on the Redis of CELERY_BROKER_URL"):
            claim_redis(settings, A)
    finally:
        client.delete(key)


def test_a_redis_that_lost_its_data_is_claimed_again_by_the_running_installation(
    settings: Settings, database: Database, redis_client: redis.Redis
) -> None:
    watch = InstallationWatch(settings, database)
    watch.check()
    redis_client.flushdb()
    watch.check()
    assert redis_client.get(installation_key(settings.redis_prefix)) == read_installation_id(database).encode()


def test_a_start_beside_another_installation_ends_in_one_line(settings: Settings, database: Database) -> None:
    claim_redis(settings, A)
    with pytest.raises(SystemExit, match=r"^Cannot start\. REDIS_SSE_PREFIX: .* `python -m bridge take-over`\.$"):
        check_or_exit(InstallationWatch(settings, database))


def test_a_take_over_gives_the_prefix_to_this_installation(settings: Settings, database: Database) -> None:
    claim_redis(settings, A)
    take_over_redis(settings, read_installation_id(database))
    check_or_exit(InstallationWatch(settings, database))
    with pytest.raises(ForeignInstallationError):
        claim_redis(settings, A)


@pytest.mark.parametrize("lost", ["redis", "postgresql"])
def test_a_process_starts_while_a_server_is_unavailable(settings: Settings, database: Database, lost: str) -> None:
    claim_redis(settings, A)
    if lost == "redis":
        settings = settings.model_copy(update={"redis_url": UNREACHABLE})
    else:
        database = Database(make_engine("postgresql+psycopg2://nobody@127.0.0.1:9/none", "test"))
    check_or_exit(InstallationWatch(settings, database))


@pytest.fixture
def child() -> "Iterator[subprocess.Popen[bytes]]":
    """A process that waits to be stopped."""
    process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    yield process
    process.kill()
    process.wait()


def test_a_process_whose_prefix_was_taken_over_is_stopped(
    settings: Settings,
    database: Database,
    child: "subprocess.Popen[bytes]",
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(installation, "CHECK_SECONDS", 0.05)
    watch = InstallationWatch(settings, database, pid=child.pid)
    watch.check()
    watch.start()
    take_over_redis(settings, A)
    assert child.wait(30) == -signal.SIGTERM
    (line,) = [record.message for record in caplog.records if record.levelname == "CRITICAL"]
    assert line.startswith("This process stops. REDIS_SSE_PREFIX: another installation")


def test_the_number_of_another_database_is_a_part_of_the_prefix(settings: Settings) -> None:
    urls: dict[str, Any] = {
        "redis://h:1": "p", "redis://h:1/": "p", "redis://h:1/0": "p", "redis://h:1/3": "p.3",
        "redis://h:1?db=4": "p.4", "redis://h:1/3?db=4": "p.4",
    }  # fmt: skip
    changes = [{"redis_sse_prefix": "p", "redis_url": url} for url in urls]
    assert [settings.model_copy(update=change).redis_prefix for change in changes] == list(urls.values())
    for url in urls:
        pool = redis.ConnectionPool.from_url(url)
        number = pool.connection_kwargs.get("db", 0)
        assert urls[url] == (f"p.{number}" if number else "p"), "as redis-py reads the URL"
