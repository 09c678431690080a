"""Two stacks for this folder's tests: the stores with Apache Kafka, and all processes with the embedded broker."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.stores.kafka_jars import JarsUnavailable, cache_directory, ensure_jars
from devstack.stores.kafka_lock import read_lock
from tests.devstack.stacks import STORES_WITH_KAFKA, FullStack, down, running_pids, up
from tests.ports import free_port_base
from tests.stores import skip_or_fail, traversable_directory


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Replaces pytest's directory, which PostgreSQL's account could not enter when the tests run as root."""
    with traversable_directory() as directory:
        yield directory


@pytest.fixture(scope="package")
def port_base() -> int:
    return free_port_base()


@pytest.fixture(scope="package")
def bare_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment whose PATH has no programs, so that no Java, Redis or Maven is found."""
    return os.environ | {"PATH": str(tmp_path_factory.mktemp("bin"))}


@pytest.fixture(scope="package")
def offline_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with an empty cache, without Maven and without network access."""
    empty = tmp_path_factory.mktemp("empty")
    proxies = dict.fromkeys(("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"), "http://127.0.0.1:1")
    return os.environ | proxies | {"XDG_CACHE_HOME": str(empty), "HOME": str(empty), "PATH": str(empty), "NO_PROXY": ""}


@pytest.fixture(scope="package")
def stores_dir(port_base: int, bare_environment: dict[str, str]) -> Iterator[Path]:
    """The directory of a running stack of the stores only, with Apache Kafka."""
    try:
        ensure_jars(read_lock(), cache_directory())
    except JarsUnavailable as error:
        skip_or_fail(f"Apache Kafka is not available: {error}")
    with traversable_directory() as directory:
        up(directory, port_base, *STORES_WITH_KAFKA, environment=bare_environment)
        yield directory
        down(directory)


@pytest.fixture(scope="package")
def full_stack(offline_environment: dict[str, str]) -> Iterator[FullStack]:
    """A running stack of all processes, where Kafka's jars cannot be downloaded."""
    with traversable_directory() as parent:
        directory = parent / "stack"
        (call_log := parent / "calls").touch(mode=0o600)
        settings = {"AI_PROVIDER": "scripted", "ALLOW_SCRIPTED": "true", "SCRIPTED_CALL_LOG": str(call_log)}
        options = [argument for name, value in settings.items() for argument in ("--set", f"{name}={value}")]
        port_base = free_port_base()
        output = up(directory, port_base, "--scale", "web=2", *options, environment=offline_environment)
        yield FullStack(directory, port_base, call_log, output)
        down(directory)
        assert running_pids(directory) == {}
