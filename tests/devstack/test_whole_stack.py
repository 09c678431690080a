"""The whole system, as `make up` starts it."""

import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.devstack.stacks import devstack, down, free_base, is_ready, kill, named, pids, status, up
from tests.eventually import eventually

KINDS = {
    "postgres.1": "postgres", "redis.1": "redis", "kafka.1": "kafka", "relay.1": "relay", "bridge.1": "bridge",
    "bridge.2": "bridge", "worker.1": "worker", "beat.1": "beat", "flower.1": "flower", "web.1": "web", "web.2": "web",
    "solo.1": "worker",
}  # fmt: skip


@pytest.fixture(scope="module")
def base() -> int:
    return free_base()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, base: int) -> Iterator[Path]:
    directory = Path(tmp_path_factory.mktemp("stack"))
    up(directory, base, "--scale", "web=2,bridge=2", "--set", "AI_PROVIDER=scripted", "--set", "ALLOW_SCRIPTED=true")
    yield directory
    down(directory)
    assert pids(directory) == {}


def test_up_returns_when_every_process_is_ready_and_the_page_answers(stack: Path, base: int) -> None:
    shown = status(stack)
    assert {each["name"]: each["kind"] for each in shown["processes"]} == KINDS
    assert [each["name"] for each in shown["processes"] if not each["ready"] or each["restarts"]] == []
    assert shown["web_url"] == f"http://127.0.0.1:{base}"
    assert shown["flower_url"] == f"http://127.0.0.1:{base + 1}"
    with urllib.request.urlopen(f"http://localhost:{base}/") as page:
        assert page.status == 200


def test_every_process_has_a_session_of_its_own(stack: Path) -> None:
    running = list(pids(stack).values())
    assert [os.getsid(pid) for pid in running] == running


@pytest.mark.parametrize("name", ["web.1", "worker.1"])
def test_a_killed_process_is_not_ready_until_its_successor_works(stack: Path, name: str) -> None:
    before = pids(stack)[name]
    kill(before)
    assert not is_ready(stack, name)
    eventually(lambda: pids(stack).get(name, before) != before)
    eventually(lambda: is_ready(stack, name), timeout=60)
    assert named(status(stack), name)["restarts"] == 1


def test_stopping_a_kind_stops_all_of_it_and_nothing_else(stack: Path) -> None:
    before = set(pids(stack))
    assert devstack("stop", "bridge", "--dir", str(stack)).returncode == 0
    assert set(pids(stack)) == before - {"bridge.1", "bridge.2"}
    assert devstack("start", "bridge", "--dir", str(stack)).returncode == 0
    eventually(lambda: is_ready(stack, "bridge.1") and is_ready(stack, "bridge.2"), timeout=60)
