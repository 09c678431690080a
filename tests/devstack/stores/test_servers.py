"""Servers of other versions, which a person puts into the directory of a stack."""

import os
import shlex
import shutil
from pathlib import Path

import pytest

from devstack.errors import DevstackError
from devstack.spec.layout import StackDir
from devstack.spec.ownership import require_usable
from devstack.spec.ports import Ports
from devstack.stores import postgres, postgres_account, redis_server
from devstack.stores.servers import Servers, find_servers, kafka_version, require_group_protocol
from tests.devstack.stacks import POSTGRES_AND_REDIS, STORES_WITH_KAFKA, devstack, down, up
from tests.ports import free_port_base
from tests.stores import traversable_directory

PORTS = Ports(21900)


def make_files(directory: Path, *names: str) -> StackDir:
    """Create empty files below a directory, and return it as a stack's."""
    for name in names:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).touch()
    return StackDir(directory)


def test_a_stack_without_servers_of_its_own_uses_those_of_the_packages(tmp_path: Path) -> None:
    assert find_servers(StackDir(tmp_path)) == Servers()
    assert postgres.programs(StackDir(tmp_path)) == postgres_account.binaries()


@pytest.mark.parametrize("name", ["redis-server", "valkey-server", "postgres", "initdb"])
def test_a_server_that_is_installed_on_the_machine_later_does_not_run_the_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """An older version could not read the data of the stack."""
    installed = make_files(tmp_path, f"bin/{name}").root / "bin" / name
    installed.chmod(0o755)
    stack_dir = StackDir(tmp_path / "stack")
    before = [store.process(stack_dir, PORTS).argv for store in (redis_server, postgres)]
    monkeypatch.setenv("PATH", str(installed.parent), prepend=os.pathsep)
    assert shutil.which(name) == str(installed)
    assert [store.process(stack_dir, PORTS).argv for store in (redis_server, postgres)] == before


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_redis_and_valkey_are_found_under_their_own_names(tmp_path: Path, name: str) -> None:
    stack_dir = make_files(tmp_path, f"servers/{name}")
    assert find_servers(stack_dir) == Servers(redis=tmp_path / "servers" / name)
    assert redis_server.process(stack_dir, PORTS).argv[0] == str(tmp_path / "servers" / name)


def test_postgresql_is_run_from_the_directory_that_a_link_leads_to(tmp_path: Path) -> None:
    """PostgreSQL finds its libraries beside its programs, where no link is."""
    make_files(tmp_path, "elsewhere/bin/postgres", "elsewhere/bin/initdb")
    (tmp_path / "stack" / "servers").mkdir(parents=True)
    (tmp_path / "stack" / "servers" / "postgres").symlink_to(tmp_path / "elsewhere")
    argv = postgres.process(StackDir(tmp_path / "stack"), PORTS).argv
    assert argv[0] == str((tmp_path / "elsewhere" / "bin" / "postgres").resolve())


def test_the_version_of_kafka_is_that_of_its_broker(tmp_path: Path) -> None:
    libs = [
        f"servers/kafka/libs/{name}.jar" for name in ("kafka-clients-9.9.9", "kafka_2.13-3.9.2", "zstd-jni-1.5.6-4")
    ]
    assert kafka_version(find_servers(make_files(tmp_path, *libs)).kafka_jars) == "3.9.2"


def test_jars_without_a_broker_are_refused(tmp_path: Path) -> None:
    stack_dir = make_files(tmp_path, "servers/kafka/libs/kafka-clients-3.9.2.jar")
    with pytest.raises(DevstackError, match="has no jar of the broker"):
        kafka_version(find_servers(stack_dir).kafka_jars)


def test_a_directory_without_any_server_is_refused(tmp_path: Path) -> None:
    stack_dir = make_files(tmp_path, "servers/postgres/postgres", "servers/redis", "servers/kafka/kafka_2.13-3.9.2.jar")
    with pytest.raises(DevstackError, match="has no postgres/bin/postgres, redis-server, valkey-server or kafka/libs"):
        find_servers(stack_dir)


@pytest.mark.parametrize("version", ["3.9.2", "3.7.0", "2.8.1"])
def test_kafka_before_4_0_needs_the_classic_group_protocol(version: str) -> None:
    require_group_protocol(version, "classic")
    with pytest.raises(DevstackError, match="KAFKA_GROUP_PROTOCOL=classic"):
        require_group_protocol(version, "consumer")


@pytest.mark.parametrize("version", ["4.0.0", "4.4.0", "10.0.1"])
def test_kafka_since_4_0_serves_both_group_protocols(version: str) -> None:
    require_group_protocol(version, "classic")
    require_group_protocol(version, "consumer")


def test_a_new_stack_may_have_servers_and_nothing_else_in_its_directory(tmp_path: Path) -> None:
    stack_dir = make_files(tmp_path, "servers/redis-server")
    require_usable(stack_dir)
    make_files(tmp_path, "letter.txt")
    with pytest.raises(DevstackError, match="files that are not of a stack"):
        require_usable(stack_dir)


def test_postgresql_in_a_folder_that_its_initdb_cannot_quote_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DevstackError, match="Move"):
        postgres_account.require_usable(tmp_path / "data", tmp_path / "a$b" / "bin")


def test_a_stack_runs_the_server_in_its_directory() -> None:
    with traversable_directory() as directory:
        program = redis_server.process(StackDir(directory / "none"), PORTS).argv[0]
        stack, own = directory / "stack", directory / "stack" / "servers" / "valkey-server"
        own.parent.mkdir(parents=True)
        own.write_text(f'#!/bin/sh\necho started >> {shlex.quote(str(directory))}/own.log\nexec {program} "$@"\n')
        own.chmod(0o755)
        up(stack, free_port_base(), *POSTGRES_AND_REDIS)
        try:
            assert (directory / "own.log").read_text() == "started\n"
        finally:
            down(stack)


def test_a_kafka_that_cannot_serve_the_group_protocol_is_refused_before_any_process_starts() -> None:
    with traversable_directory() as directory:
        make_files(directory, "stack/servers/kafka/libs/kafka_2.13-3.9.2.jar")
        location = ("--dir", str(directory / "stack"), "--port-base", str(free_port_base()))
        result = devstack("up", *location, *STORES_WITH_KAFKA, "--detach")
        assert result.returncode == 1
        assert result.stderr == (
            "Cannot start. Apache Kafka 3.9.2 does not serve KAFKA_GROUP_PROTOCOL=consumer. "
            "Start with: --set KAFKA_GROUP_PROTOCOL=classic\n"
        )
        assert not (directory / "stack" / "stack.json").exists()
