"""A stack of the three stores alone, as the whole suite uses it, without any Java or Redis on PATH."""

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
from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]  # its stub forgets it

from bridge.kafka.topics import MAX_DEAD_LETTER_RECORD_BYTES
from devstack.spec.layout import StackDir
from devstack.spec.ports import PORT_COUNT
from devstack.stores.postgres import SYSTEM_USER
from devstack.supervisor import locks
from tests.devstack.stacks import (
    PASSWORDS,
    SMALL,
    STORES,
    ask,
    devstack,
    down,
    is_ready,
    kill,
    named,
    pids,
    status,
    up,
)
from tests.eventually import eventually
from tests.ports import free_base

WITHOUT_KAFKA = ("--scale", "web=1,relay=1,bridge=1,worker=0,beat=0,flower=0", "--set", "KAFKA_ENABLED=false")


def test_status_has_exactly_the_names_that_scripts_rely_on(stack: Path, base: int) -> None:
    shown = json.loads(devstack("status", "--dir", str(stack), "--json").stdout)
    assert list(shown) == [
        "web_url", "flower_url", "kafka_bootstrap", "kafka", "redis_url", "database_url", "processes",
    ]  # fmt: skip
    assert shown["kafka"] == "apache 4.4.0"
    assert shown["kafka_bootstrap"] == f"127.0.0.1:{base + 4}"
    assert shown["redis_url"] == f"redis://:{StackDir(stack).secret('redis-password')}@127.0.0.1:{base + 3}/0"
    assert shown["database_url"].endswith(f"@127.0.0.1:{base + 2}/thoughts")
    running = pids(stack)
    assert shown["processes"] == [
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


def test_the_table_for_people_does_not_show_the_passwords(stack: Path) -> None:
    shown = devstack("status", "--dir", str(stack)).stdout
    assert "kafka.1" in shown
    assert "apache 4.4.0" in shown
    assert not [name for name in PASSWORDS if StackDir(stack).secret(name) in shown]


def test_every_process_listens_on_the_loopback_address_and_its_own_ports(stack: Path, base: int) -> None:
    listening = [
        each.laddr
        for pid in pids(stack).values()
        for each in psutil.Process(pid).net_connections(kind="inet")
        if each.status == psutil.CONN_LISTEN
    ]
    assert {address.ip.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}
    assert {address.port for address in listening} <= set(range(base, base + PORT_COUNT))


def test_postgresql_takes_many_connections_has_vectors_and_wants_the_password(stack: Path) -> None:
    assert ask(stack, "SHOW max_connections") == ("200",)
    ask(stack, "CREATE EXTENSION vector")
    assert ask(stack, "SELECT '[1,2]'::vector <-> '[1,2]'") == (0.0,)
    wrong = status(stack)["database_url"].replace("://postgres:", "://postgres:not-")
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(wrong)


def test_redis_keeps_what_it_is_given_and_throws_nothing_out(stack: Path) -> None:
    client = redis.Redis.from_url(status(stack)["redis_url"])
    settings: Any = client.config_get()
    client.close()
    assert (settings["appendonly"], settings["maxmemory-policy"]) == ("yes", "noeviction")


def test_the_topics_are_there_and_no_other_appears_by_itself(stack: Path) -> None:
    admin = AdminClient({"bootstrap.servers": status(stack)["kafka_bootstrap"]})
    wrong = Producer(
        {
            "bootstrap.servers": status(stack)["kafka_bootstrap"],
            "topic.metadata.propagation.max.ms": 500,
            "log_level": 0,
        }
    )
    wrong.produce("no-such-topic", b"value")
    wrong.flush(20)
    found = {name: len(topic.partitions) for name, topic in admin.list_topics(timeout=10).topics.items()}
    assert found == {"thought-processing": 3, "thought-processing-dlq": 3, "thought-events": 3}
    room = next(iter(admin.describe_configs([ConfigResource("topic", "thought-processing-dlq")]).values())).result(10)
    assert int(room["max.message.bytes"].value) == MAX_DEAD_LETTER_RECORD_BYTES


def test_a_killed_store_comes_back_with_what_it_had(stack: Path) -> None:
    ask(stack, "CREATE TABLE kept AS SELECT 42 AS answer")
    before = pids(stack)["postgres.1"]
    kill(before)
    eventually(lambda: pids(stack).get("postgres.1", before) != before)
    eventually(lambda: is_ready(stack, "postgres.1"))
    assert ask(stack, "SELECT answer FROM kept") == (42,)
    assert named(status(stack), "postgres.1")["restarts"] == 1


def test_a_kind_is_stopped_and_started_by_its_name(stack: Path) -> None:
    before = pids(stack)["redis.1"]
    assert devstack("stop", "redis", "--dir", str(stack)).returncode == 0
    shown = named(status(stack), "redis.1")
    assert (shown["pid"], shown["ready"]) == (None, False)
    assert devstack("start", "redis.1", "--dir", str(stack)).returncode == 0
    eventually(lambda: is_ready(stack, "redis.1"))
    assert devstack("restart", "redis.1", "--dir", str(stack)).returncode == 0
    eventually(lambda: is_ready(stack, "redis.1"))
    assert pids(stack)["redis.1"] != before
    assert named(status(stack), "redis.1")["restarts"] == 0


def test_an_unknown_name_is_said_with_those_that_are_there(stack: Path) -> None:
    done = devstack("stop", "bridge.1", "--dir", str(stack))
    assert done.returncode == 1
    assert "bridge.1" in done.stderr
    assert "postgres.1, redis.1, kafka.1" in done.stderr


def test_the_same_up_again_leaves_everything_alone_and_another_one_is_refused(
    stack: Path, base: int, bare: dict[str, str]
) -> None:
    before = pids(stack)
    assert "up already" in up(stack, base, *STORES, environment=bare)
    other = devstack("up", "--dir", str(stack), "--port-base", str(base), "--scale", "web=2", "--detach")
    assert other.returncode == 1
    assert "down --dir" in other.stderr
    assert pids(stack) == before


def test_a_taken_port_is_said_and_the_stack_that_has_it_is_left_alone(stack: Path, base: int, tmp_path: Path) -> None:
    before = pids(stack)
    done = devstack("up", "--dir", str(tmp_path / "other"), "--port-base", str(base), *STORES, "--detach")
    assert done.returncode == 1
    for part in (f"Port {base + 2}", "postgres.1", f"pid {before['postgres.1']}", "--port-base"):
        assert part in done.stderr
    assert pids(stack) == before


def test_two_stacks_side_by_side_do_not_touch_each_other(stack: Path, tmp_path: Path) -> None:
    before, other = pids(stack), tmp_path / "other"
    up(other, free_base(), *WITHOUT_KAFKA)
    try:
        shown = status(other)
        assert (shown["kafka"], shown["kafka_bootstrap"]) == (None, None)
        assert [each["name"] for each in shown["processes"]] == [
            "postgres.1",
            "redis.1",
            "relay.1",
            "bridge.1",
            "web.1",
        ]
        assert [each["name"] for each in shown["processes"] if each["restarts"] or not each["ready"]] == []
        assert not set(pids(other).values()) & set(before.values())
    finally:
        down(other)
    assert pids(other) == {}
    assert pids(stack) == before
    assert all(each["ready"] for each in status(stack)["processes"])


def test_after_everything_was_killed_up_starts_it_again_with_its_data_on_other_ports_too(
    stack: Path, bare: dict[str, str]
) -> None:
    """SIGKILL leaves postmaster.pid, locks and sockets behind; and addresses are no part of the data."""
    ask(stack, "CREATE TABLE survives AS SELECT 43 AS answer")
    kill(locks.holder_pid(StackDir(stack).manager_lock) or 0)
    orphans = pids(stack)
    assert len(orphans) == 3
    kill(orphans["kafka.1"])
    kill(orphans["postgres.1"])
    up(stack, moved := free_base(), *STORES, environment=bare)
    assert not set(pids(stack).values()) & set(orphans.values())
    assert ask(stack, "SELECT answer FROM survives") == (43,)
    admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{moved + 4}"})
    assert "thought-processing" in admin.list_topics(timeout=10).topics


def test_run_gives_a_module_the_settings_that_up_was_given(stack: Path) -> None:
    place = ("--dir", str(stack))
    assert devstack("run", *place, "alembic", "upgrade", "head").returncode == 0
    done = devstack("run", *place, "tasks", "batch", "--detach")
    assert "Batch 1 is requested." in done.stdout, done.stderr  # with Kafka's work taken as it comes it is refused
    assert StackDir(stack).settings_file.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def stranger() -> Iterator[int]:
    """The pid of another program of the account that PostgreSQL runs as, which PostgreSQL takes for itself."""
    account = SYSTEM_USER if os.geteuid() == 0 else None
    with subprocess.Popen(["/bin/sleep", "600"], user=account) as process:
        yield process.pid
        process.kill()


def test_a_pid_file_with_another_programs_pid_does_not_stop_the_next_up(tmp_path: Path, stranger: int) -> None:
    base = free_base()
    up(tmp_path, base, *SMALL)
    down(tmp_path)
    shown = devstack("status", "--dir", str(tmp_path), "--json")
    assert shown.returncode == 1
    assert [each["pid"] for each in json.loads(shown.stdout)["processes"]] == [None, None]
    (tmp_path / "postgres" / "postmaster.pid").write_text(f"{stranger}\n{tmp_path}/postgres\n")
    up(tmp_path, base, *SMALL)
    down(tmp_path)


def test_java_is_not_on_the_bare_path(bare: dict[str, str]) -> None:
    assert shutil.which("java", path=bare["PATH"]) is None
