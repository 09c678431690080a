"""A stack of the three stores only, as the whole suite uses it, without Java or Redis on PATH."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
import redis
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]  # its stub lacks it

from bridge.kafka.limits import MAX_DEAD_LETTER_RECORD_BYTES
from devstack.spec.layout import StackDir
from devstack.spec.ports import PORT_COUNT
from devstack.stores.postgres_account import SYSTEM_USER
from devstack.supervisor import locks
from tests.devstack.stacks import (
    PASSWORDS,
    POSTGRES_AND_REDIS,
    STORES_WITH_KAFKA,
    devstack,
    down,
    fetch_row,
    find_process,
    is_ready,
    kill,
    running_pids,
    status,
    up,
)
from tests.eventually import eventually
from tests.ports import free_port_base

APPS_WITHOUT_KAFKA = ("--scale", "web=1,relay=1,bridge=1,worker=0,beat=0,flower=0", "--set", "KAFKA_ENABLED=false")


def test_status_prints_exactly_the_keys_that_scripts_rely_on(stores_dir: Path, port_base: int) -> None:
    description = json.loads(devstack("status", "--dir", str(stores_dir), "--json").stdout)
    assert list(description) == [
        "web_url", "flower_url", "kafka_bootstrap", "kafka", "redis_url", "database_url", "processes",
    ]  # fmt: skip
    assert description["kafka"] == "apache 4.4.0"
    assert description["kafka_bootstrap"] == f"127.0.0.1:{port_base + 4}"
    assert (
        description["redis_url"]
        == f"redis://:{StackDir(stores_dir).secret('redis-password')}@127.0.0.1:{port_base + 3}/0"
    )
    assert description["database_url"].endswith(f"@127.0.0.1:{port_base + 2}/thoughts")
    running = running_pids(stores_dir)
    assert description["processes"] == [
        {
            "name": f"{kind}.1",
            "kind": kind,
            "pid": running[f"{kind}.1"],
            "ready": True,
            "restarts": 0,
            "last_exit": None,
        }
        for kind in ("postgres", "redis", "kafka")
    ]


def test_the_table_of_status_does_not_show_the_passwords(stores_dir: Path) -> None:
    description = devstack("status", "--dir", str(stores_dir)).stdout
    assert "kafka.1" in description
    assert "apache 4.4.0" in description
    assert not [name for name in PASSWORDS if StackDir(stores_dir).secret(name) in description]


def test_every_process_listens_on_the_loopback_address_and_the_stacks_ports(stores_dir: Path, port_base: int) -> None:
    addresses = [
        connection.laddr
        for pid in running_pids(stores_dir).values()
        for connection in psutil.Process(pid).net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {address.ip.removeprefix("::ffff:") for address in addresses} == {"127.0.0.1"}
    assert {address.port for address in addresses} <= set(range(port_base, port_base + PORT_COUNT))


def test_postgresql_has_200_connections_and_vectors_and_requires_the_password(stores_dir: Path) -> None:
    assert fetch_row(stores_dir, "SHOW max_connections") == ("200",)
    fetch_row(stores_dir, "CREATE EXTENSION vector")
    assert fetch_row(stores_dir, "SELECT '[1,2]'::vector <-> '[1,2]'") == (0.0,)
    wrong_url = status(stores_dir)["database_url"].replace("://postgres:", "://postgres:not-")
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(wrong_url)


def test_redis_appends_to_disk_and_evicts_nothing(stores_dir: Path) -> None:
    client = redis.Redis.from_url(status(stores_dir)["redis_url"])
    settings: Any = client.config_get()
    client.close()
    assert (settings["appendonly"], settings["maxmemory-policy"]) == ("yes", "noeviction")


def test_the_topics_exist_and_kafka_creates_no_others_automatically(stores_dir: Path) -> None:
    admin = AdminClient({"bootstrap.servers": status(stores_dir)["kafka_bootstrap"]})
    producer = Producer(
        {
            "bootstrap.servers": status(stores_dir)["kafka_bootstrap"],
            "topic.metadata.propagation.max.ms": 500,
            "log_level": 0,
        }
    )
    producer.produce("no-such-topic", b"value")
    producer.flush(20)
    partition_counts = {name: len(topic.partitions) for name, topic in admin.list_topics(timeout=10).topics.items()}
    assert partition_counts == {"thought-processing": 3, "thought-processing-dlq": 3, "thought-events": 3}
    settings = next(iter(admin.describe_configs([ConfigResource("topic", "thought-processing-dlq")]).values())).result(
        10
    )
    assert int(settings["max.message.bytes"].value) == MAX_DEAD_LETTER_RECORD_BYTES


def test_the_manager_restarts_a_killed_store_with_its_data(stores_dir: Path) -> None:
    fetch_row(stores_dir, "CREATE TABLE kept AS SELECT 42 AS answer")
    before = running_pids(stores_dir)["postgres.1"]
    kill(before)
    eventually(lambda: running_pids(stores_dir).get("postgres.1", before) != before)
    eventually(lambda: is_ready(stores_dir, "postgres.1"))
    assert fetch_row(stores_dir, "SELECT answer FROM kept") == (42,)
    assert find_process(status(stores_dir), "postgres.1")["restarts"] == 1


def test_stop_and_start_accept_a_kind_or_the_name_of_a_process(stores_dir: Path) -> None:
    before = running_pids(stores_dir)["redis.1"]
    assert devstack("stop", "redis", "--dir", str(stores_dir)).returncode == 0
    description = find_process(status(stores_dir), "redis.1")
    assert (description["pid"], description["ready"]) == (None, False)
    assert devstack("start", "redis.1", "--dir", str(stores_dir)).returncode == 0
    eventually(lambda: is_ready(stores_dir, "redis.1"))
    assert devstack("restart", "redis.1", "--dir", str(stores_dir)).returncode == 0
    eventually(lambda: is_ready(stores_dir, "redis.1"))
    assert running_pids(stores_dir)["redis.1"] != before
    assert find_process(status(stores_dir), "redis.1")["restarts"] == 0


def test_an_unknown_name_is_reported_with_the_existing_names(stores_dir: Path) -> None:
    result = devstack("stop", "bridge.1", "--dir", str(stores_dir))
    assert result.returncode == 1
    assert "bridge.1" in result.stderr
    assert "postgres.1, redis.1, kafka.1" in result.stderr


def test_up_changes_nothing_when_the_same_stack_runs_and_fails_when_another_one_runs(
    stores_dir: Path, port_base: int, bare_environment: dict[str, str]
) -> None:
    before = running_pids(stores_dir)
    assert "already running" in up(stores_dir, port_base, *STORES_WITH_KAFKA, environment=bare_environment)
    other = devstack("up", "--dir", str(stores_dir), "--port-base", str(port_base), "--scale", "web=2", "--detach")
    assert other.returncode == 1
    assert "down --dir" in other.stderr
    assert running_pids(stores_dir) == before


def test_up_reports_a_port_in_use_and_does_not_touch_the_stack_that_uses_it(
    stores_dir: Path, port_base: int, tmp_path: Path
) -> None:
    before = running_pids(stores_dir)
    result = devstack(
        "up", "--dir", str(tmp_path / "other"), "--port-base", str(port_base), *STORES_WITH_KAFKA, "--detach"
    )
    assert result.returncode == 1
    for part in (f"Port {port_base + 2}", "postgres.1", f"pid {before['postgres.1']}", "--port-base"):
        assert part in result.stderr
    assert running_pids(stores_dir) == before


def test_two_stacks_do_not_affect_each_other(stores_dir: Path, tmp_path: Path) -> None:
    before, other = running_pids(stores_dir), tmp_path / "other"
    up(other, free_port_base(), *APPS_WITHOUT_KAFKA)
    try:
        description = status(other)
        assert (description["kafka"], description["kafka_bootstrap"]) == (None, None)
        assert [process["name"] for process in description["processes"]] == [
            "postgres.1",
            "redis.1",
            "relay.1",
            "bridge.1",
            "web.1",
        ]
        assert [
            process["name"] for process in description["processes"] if process["restarts"] or not process["ready"]
        ] == []
        assert not set(running_pids(other).values()) & set(before.values())
    finally:
        down(other)
    assert running_pids(other) == {}
    assert running_pids(stores_dir) == before
    assert all(process["ready"] for process in status(stores_dir)["processes"])


def test_up_starts_a_killed_stack_with_its_data_and_on_other_ports(
    stores_dir: Path, bare_environment: dict[str, str]
) -> None:
    """SIGKILL leaves postmaster.pid, locks and sockets behind, and the data does not depend on the addresses."""
    fetch_row(stores_dir, "CREATE TABLE survives AS SELECT 43 AS answer")
    kill(locks.holder_pid(StackDir(stores_dir).manager_lock) or 0)
    orphans = running_pids(stores_dir)
    assert len(orphans) == 3
    kill(orphans["kafka.1"])
    kill(orphans["postgres.1"])
    new_port_base = free_port_base()
    up(stores_dir, new_port_base, *STORES_WITH_KAFKA, environment=bare_environment)
    assert not set(running_pids(stores_dir).values()) & set(orphans.values())
    assert fetch_row(stores_dir, "SELECT answer FROM survives") == (43,)
    admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{new_port_base + 4}"})
    assert "thought-processing" in admin.list_topics(timeout=10).topics


def test_run_passes_the_settings_of_up_to_the_module(stores_dir: Path) -> None:
    location = ("--dir", str(stores_dir))
    assert devstack("run", *location, "alembic", "upgrade", "head").returncode == 0
    result = devstack("run", *location, "tasks", "batch", "--detach")
    assert "Batch 1 is requested." in result.stdout, result.stderr  # rejected unless KAFKA_MODE is false
    assert StackDir(stores_dir).settings_file.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def other_program() -> Iterator[int]:
    """The pid of another program of PostgreSQL's account, which PostgreSQL would take for its own server."""
    account = SYSTEM_USER if os.geteuid() == 0 else None
    with subprocess.Popen(["/bin/sleep", "600"], user=account) as process:
        yield process.pid
        process.kill()


def test_up_starts_despite_a_pid_file_with_the_pid_of_another_program(tmp_path: Path, other_program: int) -> None:
    port_base = free_port_base()
    up(tmp_path, port_base, *POSTGRES_AND_REDIS)
    down(tmp_path)
    result = devstack("status", "--dir", str(tmp_path), "--json")
    assert result.returncode == 1
    assert [process["pid"] for process in json.loads(result.stdout)["processes"]] == [None, None]
    (tmp_path / "postgres" / "postmaster.pid").write_text(f"{other_program}\n{tmp_path}/postgres\n")
    up(tmp_path, port_base, *POSTGRES_AND_REDIS)
    down(tmp_path)


def test_the_bare_environment_has_no_java(bare_environment: dict[str, str]) -> None:
    assert shutil.which("java", path=bare_environment["PATH"]) is None
