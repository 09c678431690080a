"""What the command line's words mean: scales, settings, ports, and the processes that follow from them."""

import socket
from pathlib import Path
from uuid import UUID

import pytest

from contracts.settings import Settings, load_settings
from devstack.commands import app_processes, environment
from devstack.errors import DevstackError
from devstack.spec import ports
from devstack.spec.layout import StackDir
from devstack.spec.ports import Ports
from devstack.spec.process_kinds import parse_scale
from devstack.stores import java, kafka, redis_server

PORTS = Ports(21900)


@pytest.fixture
def home(tmp_path: Path) -> StackDir:
    made = StackDir(tmp_path)
    made.prepare()
    return made


@pytest.fixture
def chosen() -> Settings:
    return load_settings(
        _env_file=None,
        database_url="postgresql://x/y",
        redis_url="redis://x",
        kafka_bootstrap_servers="x:1",
        worker_concurrency=7,
    )


def test_every_kind_has_one_process_unless_the_scale_says_otherwise() -> None:
    assert parse_scale([]) == {"relay": 1, "bridge": 1, "worker": 1, "beat": 1, "flower": 1, "web": 1}
    assert parse_scale(["bridge=2,worker=3", "web=0"]) | {"relay": 1} == {
        "relay": 1, "bridge": 2, "worker": 3, "beat": 1, "flower": 1, "web": 0,
    }  # fmt: skip


@pytest.mark.parametrize("wrong", ["bridges=2", "bridge", "bridge=", "bridge=-1", "postgres=2", "beat=2", "flower=2"])
def test_a_wrong_scale_is_said(wrong: str) -> None:
    with pytest.raises(DevstackError, match=f"--scale {wrong}"):
        parse_scale([wrong])


def test_worker_n_does_not_count_the_solo_worker(home: StackDir, chosen: Settings) -> None:
    made = app_processes.app_processes(home, PORTS, parse_scale(["worker=2,web=2,relay=2"]), chosen)
    assert [(each.name, each.kind) for each in made] == [
        ("relay.1", "relay"), ("relay.2", "relay"), ("bridge.1", "bridge"), ("worker.1", "worker"),
        ("worker.2", "worker"), ("beat.1", "beat"), ("flower.1", "flower"),
        ("web.1", "web"), ("web.2", "web"), ("solo.1", "worker"),
    ]  # fmt: skip


def test_without_workers_there_is_no_solo_worker(home: StackDir, chosen: Settings) -> None:
    assert "solo.1" not in {
        each.name for each in app_processes.app_processes(home, PORTS, parse_scale(["worker=0"]), chosen)
    }


def test_the_solo_worker_has_one_slot_and_its_own_queue(home: StackDir, chosen: Settings) -> None:
    made = {
        each.name: " ".join(each.argv) for each in app_processes.app_processes(home, PORTS, parse_scale([]), chosen)
    }
    assert "--concurrency 1 --queues solo --hostname solo.1@%h" in made["solo.1"]
    assert "--concurrency 7 --queues thoughts --hostname worker.1@%h" in made["worker.1"]


def test_a_worker_is_given_the_time_that_its_longest_call_may_take(home: StackDir, chosen: Settings) -> None:
    slow = chosen.model_copy(update={"agent_timeout_seconds": 300.0, "lease_renew_seconds": 7.0})
    made = {each.name: each.stop_timeout for each in app_processes.app_processes(home, PORTS, parse_scale([]), slow)}
    assert made.pop("worker.1") == made.pop("solo.1") == 300 + 3 * 7 + app_processes.WORKER_STOP_MARGIN
    assert set(made.values()) == {30.0}


def test_each_process_has_a_heartbeat_file_of_its_own(home: StackDir, chosen: Settings) -> None:
    files = [
        each.environment["HEARTBEAT_FILE"] for each in app_processes.app_processes(home, PORTS, parse_scale([]), chosen)
    ]
    assert len(set(files)) == len(files)


def test_set_wins_over_the_stores_addresses_and_these_over_the_callers(
    home: StackDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REDIS_URL", "CELERY_BROKER_URL", "KAFKA_BOOTSTRAP_SERVERS", "AI_PROVIDER", "LEASE_SECONDS"):
        monkeypatch.setenv(name, "the caller's")
    made = environment.build_environment(home, PORTS, {"LEASE_SECONDS": "30", "KAFKA_BOOTSTRAP_SERVERS": "elsewhere:1"})
    assert made["REDIS_URL"] == made["CELERY_BROKER_URL"] == redis_server.url(home, PORTS)
    assert made["KAFKA_BOOTSTRAP_SERVERS"] == "elsewhere:1"
    assert made["AI_PROVIDER"] == "the caller's"
    assert made["LEASE_SECONDS"] == "30"


def test_a_stack_is_open_and_has_a_secret_key_that_lasts(home: StackDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.delenv("TRUST_USER_ID", raising=False)
    made = environment.build_environment(home, PORTS, {})
    assert environment.load_stack_settings(made).trust_user_id
    assert environment.build_environment(home, PORTS, {})["SECRET_KEY"] == made["SECRET_KEY"]
    assert (home.root / "secrets" / "secret-key").stat().st_mode & 0o777 == 0o600


def test_a_wrong_value_is_said_by_the_name_of_its_variable(home: StackDir) -> None:
    made = environment.build_environment(home, PORTS, {"WORKER_CONCURRENCY": "many"})
    with pytest.raises(DevstackError, match="WORKER_CONCURRENCY"):
        environment.load_stack_settings(made)


@pytest.mark.parametrize("wrong", ["NO_SUCH_SETTING=1", "TRUST_USER_ID"])
def test_a_setting_that_nobody_reads_is_refused(wrong: str) -> None:
    with pytest.raises(DevstackError, match=r"--set .*NAME=VALUE"):
        environment.parse_settings([wrong])


def test_the_page_is_on_port_8000_unless_a_base_is_given() -> None:
    assert ports.DEFAULT_BASE == Ports(ports.DEFAULT_BASE).web == 8000
    own = Ports(21000)
    assert [own.web, own.flower, own.postgres, own.redis, own.kafka, own.kafka_controller] == list(range(21000, 21006))


@pytest.mark.parametrize("base", [0, 80, 65535])
def test_a_base_outside_the_range_is_said(base: int) -> None:
    with pytest.raises(DevstackError, match=f"--port-base {base}"):
        Ports(base)


def test_a_taken_port_is_said_with_who_wants_it_who_has_it_and_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(DevstackError) as said:
            ports.require_free({port: "kafka.1"})
    for part in (str(port), "kafka.1", "pid ", "--port-base"):
        assert part in str(said.value)
    ports.require_free({port: "kafka.1"})


@pytest.mark.parametrize(
    ("printed", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "25"', 25),
        ("", None),
    ],
)
def test_the_version_of_a_java_is_understood(printed: str, major: int | None) -> None:
    assert java.parse_major(printed) == major


def test_an_old_java_on_the_path_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    carried = java.find()
    for version, expected in (("11.0.2", carried), ("21.0.1", str(tmp_path / "java"))):
        (tmp_path / "java").write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
        (tmp_path / "java").chmod(0o755)
        assert java.find() == expected


@pytest.mark.parametrize("number", [0, (1 << 128) - 1])
def test_a_new_cluster_of_kafka_has_an_id_that_is_not_taken_for_an_option(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uuid.uuid4", lambda: UUID(int=number))
    assert kafka.cluster_id()[0].isalpha()
    assert len(kafka.cluster_id()) == 22
