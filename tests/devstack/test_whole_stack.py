"""The whole system, as `make up` starts it."""

import os
import urllib.request

import psutil

from tests.devstack.stacks import Whole, devstack, is_ready, kill, named, pids, status
from tests.eventually import eventually

KINDS = {
    "postgres.1": "postgres", "redis.1": "redis", "kafka.1": "kafka", "relay.1": "relay", "bridge.1": "bridge",
    "worker.1": "worker", "beat.1": "beat", "flower.1": "flower", "web.1": "web", "web.2": "web", "solo.1": "worker",
}  # fmt: skip


def test_up_returns_when_every_process_is_ready_and_the_page_answers(whole: Whole) -> None:
    shown = status(whole.directory)
    assert {each["name"]: each["kind"] for each in shown["processes"]} == KINDS
    for name in KINDS:
        assert f"  {name} is ready" in whole.said
    assert shown["web_url"] == f"http://127.0.0.1:{whole.base}"
    assert shown["flower_url"] == f"http://127.0.0.1:{whole.base + 1}"
    with urllib.request.urlopen(f"http://localhost:{whole.base}/") as page:
        assert page.status == 200


def test_every_process_has_a_session_of_its_own(whole: Whole) -> None:
    running = list(pids(whole.directory).values())
    assert [os.getsid(pid) for pid in running] == running


def test_a_killed_process_is_not_ready_until_its_successor_works(whole: Whole) -> None:
    names = ("web.1", "worker.1")
    before = {name: pids(whole.directory)[name] for name in names}
    restarts = {name: named(status(whole.directory), name)["restarts"] for name in names}
    children = psutil.Process(before["web.1"]).children()
    assert children
    for name in names:
        kill(before[name])
        assert not is_ready(whole.directory, name)
    for name in names:
        eventually(lambda name=name: is_ready(whole.directory, name), timeout=60)  # type: ignore[misc]  # mypy's limit
        assert pids(whole.directory)[name] != before[name]
        assert named(status(whole.directory), name)["restarts"] == restarts[name] + 1
    # what a killed web leaves must not go on answering on the shared port with what it was started with
    eventually(lambda: not any(child.is_running() for child in children), timeout=60)


def test_a_worker_that_is_restarted_finishes_the_calls_it_has_begun(whole: Whole) -> None:
    thought = whole.post("[[delay:classification:5000]] Shall I wait?")
    eventually(lambda: whole.told(thought, "classification") == ["start"], timeout=60)
    assert devstack("restart", "worker.1", "--dir", str(whole.directory)).returncode == 0
    assert whole.told(thought, "classification") == ["start", "end"]
    eventually(lambda: whole.is_completed(thought), timeout=60)
    assert whole.told(thought, "classification") == ["start", "end"]


def test_stopping_a_kind_stops_all_of_it_and_nothing_else(whole: Whole) -> None:
    before = set(pids(whole.directory))
    assert devstack("stop", "web", "--dir", str(whole.directory)).returncode == 0
    assert set(pids(whole.directory)) == before - {"web.1", "web.2"}
    assert devstack("start", "web", "--dir", str(whole.directory)).returncode == 0
    eventually(lambda: is_ready(whole.directory, "web.1") and is_ready(whole.directory, "web.2"), timeout=60)
