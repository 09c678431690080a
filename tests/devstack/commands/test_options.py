"""The options of the command line: scales, settings and ports, and the processes that result from them."""

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
from devstack.spec.stack import Process
from devstack.stores import java, kafka, redis_server
from tests.stores import ROOT

PORTS = Ports(21900)


@pytest.fixture
def stack_dir(tmp_path: Path) -> StackDir:
    stack_dir = StackDir(tmp_path)
    stack_dir.prepare()
    return stack_dir


@pytest.fixture
def app_settings() -> Settings:
    return load_settings(
        _env_file=None,
        database_url="postgresql://x/y",
        redis_url="redis://x",
        kafka_bootstrap_servers="x:1",
        worker_concurrency=7,
    )


def test_every_kind_has_one_process_unless_the_scale_sets_another_number() -> None:
    assert parse_scale([]) == {"relay": 1, "bridge": 1, "worker": 1, "beat": 1, "flower": 1, "web": 1}
    assert parse_scale(["bridge=2,worker=3", "web=0"]) | {"relay": 1} == {
        "relay": 1, "bridge": 2, "worker": 3, "beat": 1, "flower": 1, "web": 0,
    }  # fmt: skip


@pytest.mark.parametrize("wrong", ["bridges=2", "bridge", "bridge=", "bridge=-1", "postgres=2", "beat=2", "flower=2"])
def test_an_invalid_scale_is_reported(wrong: str) -> None:
    with pytest.raises(DevstackError, match=f"--scale {wrong}"):
        parse_scale([wrong])


def app_processes_by_name(stack_dir: StackDir, settings: Settings, *scale: str) -> dict[str, Process]:
    """Return the system's own processes of a scale."""
    processes = app_processes.app_processes(stack_dir, PORTS, parse_scale([*scale]), settings)
    return {process.name: process for process in processes}


def test_the_number_of_workers_does_not_include_the_solo_worker(stack_dir: StackDir, app_settings: Settings) -> None:
    processes = app_processes_by_name(stack_dir, app_settings, "worker=2,web=2,relay=2")
    assert [(name, process.kind) for name, process in processes.items()] == [
        ("relay.1", "relay"), ("relay.2", "relay"), ("bridge.1", "bridge"), ("worker.1", "worker"),
        ("worker.2", "worker"), ("beat.1", "beat"), ("flower.1", "flower"),
        ("web.1", "web"), ("web.2", "web"), ("solo.1", "worker"),
    ]  # fmt: skip


def test_without_workers_there_is_no_solo_worker(stack_dir: StackDir, app_settings: Settings) -> None:
    assert "solo.1" not in app_processes_by_name(stack_dir, app_settings, "worker=0")


def test_the_solo_worker_has_one_slot_and_its_own_queue(stack_dir: StackDir, app_settings: Settings) -> None:
    processes = app_processes_by_name(stack_dir, app_settings)
    assert "--concurrency 1 --queues solo --hostname solo.1@%h" in " ".join(processes["solo.1"].argv)
    assert "--concurrency 7 --queues thoughts --hostname worker.1@%h" in " ".join(processes["worker.1"].argv)


def test_the_stop_timeout_of_a_worker_covers_its_longest_call(stack_dir: StackDir, app_settings: Settings) -> None:
    slow_settings = app_settings.model_copy(update={"agent_timeout_seconds": 300.0, "lease_renew_seconds": 7.0})
    processes = app_processes_by_name(stack_dir, slow_settings)
    stop_timeouts = {name: process.stop_timeout for name, process in processes.items()}
    longest = 300 + 3 * 7 + app_processes.WORKER_STOP_MARGIN
    assert stop_timeouts.pop("worker.1") == stop_timeouts.pop("solo.1") == longest
    assert set(stop_timeouts.values()) == {30.0}


def test_each_process_has_its_own_heartbeat_file(stack_dir: StackDir, app_settings: Settings) -> None:
    processes = app_processes_by_name(stack_dir, app_settings).values()
    files = [process.environment["HEARTBEAT_FILE"] for process in processes]
    assert len(set(files)) == len(files)


def test_set_overrides_the_stores_addresses_which_override_the_callers_environment(
    stack_dir: StackDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REDIS_URL", "CELERY_BROKER_URL", "KAFKA_BOOTSTRAP_SERVERS", "AI_PROVIDER", "LEASE_SECONDS"):
        monkeypatch.setenv(name, "the caller's")
    variables = environment.build_environment(
        stack_dir, PORTS, {"LEASE_SECONDS": "30", "KAFKA_BOOTSTRAP_SERVERS": "other-host:1"}
    )
    assert variables["REDIS_URL"] == variables["CELERY_BROKER_URL"] == redis_server.url(stack_dir, PORTS)
    assert variables["KAFKA_BOOTSTRAP_SERVERS"] == "other-host:1"
    assert variables["AI_PROVIDER"] == "the caller's"
    assert variables["LEASE_SECONDS"] == "30"


def test_a_stack_trusts_user_ids_and_keeps_its_secret_key(stack_dir: StackDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.delenv("TRUST_USER_ID", raising=False)
    variables = environment.build_environment(stack_dir, PORTS, {})
    assert environment.load_stack_settings(variables).trust_user_id
    assert environment.build_environment(stack_dir, PORTS, {})["SECRET_KEY"] == variables["SECRET_KEY"]
    assert (stack_dir.root / "secrets" / "secret-key").stat().st_mode & 0o777 == 0o600


def test_an_invalid_value_is_reported_with_its_variable(stack_dir: StackDir) -> None:
    variables = environment.build_environment(stack_dir, PORTS, {"WORKER_CONCURRENCY": "many"})
    with pytest.raises(DevstackError, match="WORKER_CONCURRENCY"):
        environment.load_stack_settings(variables)


@pytest.mark.parametrize("wrong", ["NO_SUCH_SETTING=1", "TRUST_USER_ID"])
def test_an_unknown_setting_is_rejected(wrong: str) -> None:
    with pytest.raises(DevstackError, match=r"--set .*NAME=VALUE"):
        environment.parse_settings([wrong])


def test_the_web_port_is_8000_by_default() -> None:
    assert ports.DEFAULT_BASE == Ports(ports.DEFAULT_BASE).web == 8000
    p = Ports(21000)
    assert [p.web, p.flower, p.postgres, p.redis, p.kafka, p.kafka_controller] == list(range(21000, 21006))


@pytest.mark.parametrize("base", [0, 80, 65535])
def test_a_port_base_outside_the_range_is_reported(base: int) -> None:
    with pytest.raises(DevstackError, match=f"--port-base {base}"):
        Ports(base)


def test_a_port_in_use_is_reported_with_both_processes_and_a_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(DevstackError) as error:
            ports.require_free({port: "kafka.1"})
    for part in (str(port), "kafka.1", "pid ", "--port-base"):
        assert part in str(error.value)
    ports.require_free({port: "kafka.1"})


def test_a_port_that_an_outgoing_connection_was_given_is_reported_as_such() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        port = client.getsockname()[1]
        with pytest.raises(DevstackError, match=r"is in use by a connection of .* \(pid "):
            ports.require_free({port: "kafka.1"})


@pytest.mark.parametrize(
    ("family", "address"),
    [
        (socket.AF_INET, "127.0.0.1"),
        (socket.AF_INET, "0.0.0.0"),
        (socket.AF_INET6, "::1"),
        (socket.AF_INET6, "::"),
    ],
)
@pytest.mark.parametrize("shares", [False, True])
def test_a_port_is_in_use_on_any_address_that_a_browser_tries_for_localhost(
    family: socket.AddressFamily, address: str, shares: bool
) -> None:
    try:
        server = socket.create_server((address, 0), family=family, reuse_port=shares)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server:
        port = server.getsockname()[1]
        with pytest.raises(DevstackError, match=f"Port {port}, needed by web.1, is in use by .* \\(pid "):
            ports.require_free({port: "web.1"})
    ports.require_free({port: "web.1"})


def test_the_documentation_names_only_the_address_on_which_the_page_is_served() -> None:
    pages = [ROOT / "README.md", ROOT / "Makefile", *(ROOT / "docs").glob("*.md")]
    assert [page.name for page in pages if "localhost:8000" in page.read_text()] == []


@pytest.mark.parametrize(
    ("output", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "25"', 25),
        ("", None),
    ],
)
def test_the_major_version_of_java_is_parsed(output: str, major: int | None) -> None:
    assert java.parse_major(output) == major


def test_an_old_java_on_the_path_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    packaged = java.find()
    for version, expected in (("11.0.2", packaged), ("21.0.1", str(tmp_path / "java"))):
        (tmp_path / "java").write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
        (tmp_path / "java").chmod(0o755)
        assert java.find() == expected


@pytest.mark.parametrize("number", [0, (1 << 128) - 1])
def test_a_cluster_id_never_looks_like_an_option(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uuid.uuid4", lambda: UUID(int=number))
    assert kafka.cluster_id()[0].isalpha()
    assert len(kafka.cluster_id()) == 22
