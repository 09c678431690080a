"""Two stacks that this folder's tests share: the stores alone with Apache Kafka, and everything with its stand-in."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.stores.kafka_jars import JarsUnavailable, cache_directory, ensure_jars
from devstack.stores.kafka_lock import read_lock
from tests.devstack.stacks import STORES, Whole, down, pids, up
from tests.ports import free_base
from tests.stores import missing, walkable_directory


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Not pytest's own: as root, PostgreSQL's account must be able to walk there, whatever other sessions do."""
    with walkable_directory() as directory:
        yield directory


@pytest.fixture(scope="package")
def base() -> int:
    return free_base()


@pytest.fixture(scope="package")
def bare(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment as on a bare machine: nothing of ours on PATH."""
    return os.environ | {"PATH": str(tmp_path_factory.mktemp("bin"))}


@pytest.fixture(scope="package")
def unreachable(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with an empty cache, no Maven, and a network that answers nothing."""
    empty = tmp_path_factory.mktemp("empty")
    nowhere = dict.fromkeys(("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"), "http://127.0.0.1:1")
    return os.environ | nowhere | {"XDG_CACHE_HOME": str(empty), "HOME": str(empty), "PATH": str(empty), "NO_PROXY": ""}


@pytest.fixture(scope="package")
def stack(base: int, bare: dict[str, str]) -> Iterator[Path]:
    """The stores alone, with Apache Kafka."""
    try:
        ensure_jars(read_lock(), cache_directory())
    except JarsUnavailable as reason:
        missing(f"Apache Kafka cannot be had: {reason}")
    with walkable_directory() as directory:
        up(directory, base, *STORES, environment=bare)
        yield directory
        down(directory)


@pytest.fixture(scope="package")
def whole(unreachable: dict[str, str]) -> Iterator[Whole]:
    """Everything, where Kafka's jars cannot be fetched."""
    with walkable_directory() as directory:
        (calls := directory / "calls").touch(mode=0o600)
        chosen = {"AI_PROVIDER": "scripted", "ALLOW_SCRIPTED": "true", "SCRIPTED_CALL_LOG": str(calls)}
        words = [word for name, value in chosen.items() for word in ("--set", f"{name}={value}")]
        said = up(directory, base := free_base(), "--scale", "web=2", *words, environment=unreachable)
        yield Whole(directory, base, calls, said)
        down(directory)
        assert pids(directory) == {}
