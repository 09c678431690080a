"""A stack of all processes, as `make up` starts it."""

import os
import urllib.request

import psutil

from tests.devstack.stacks import FullStack, devstack, find_process, is_ready, kill, running_pids, status
from tests.eventually import eventually

KINDS = {
    "postgres.1": "postgres", "redis.1": "redis", "kafka.1": "kafka", "relay.1": "relay", "bridge.1": "bridge",
    "worker.1": "worker", "beat.1": "beat", "flower.1": "flower", "web.1": "web", "web.2": "web", "solo.1": "worker",
}  # fmt: skip


def test_up_returns_when_every_process_is_ready_and_the_page_answers(full_stack: FullStack) -> None:
    description = status(full_stack.directory)
    assert {process["name"]: process["kind"] for process in description["processes"]} == KINDS
    for name in KINDS:
        assert f"  {name} is ready" in full_stack.up_output
    assert description["web_url"] == f"http://127.0.0.1:{full_stack.port_base}"
    assert description["flower_url"] == f"http://127.0.0.1:{full_stack.port_base + 1}"
    with urllib.request.urlopen(f"http://localhost:{full_stack.port_base}/") as page:
        assert page.status == 200


def test_every_process_has_its_own_session(full_stack: FullStack) -> None:
    all_pids = list(running_pids(full_stack.directory).values())
    assert [os.getsid(pid) for pid in all_pids] == all_pids


def test_a_killed_process_is_not_ready_until_its_successor_works(full_stack: FullStack) -> None:
    names = ("web.1", "worker.1")
    before = {name: running_pids(full_stack.directory)[name] for name in names}
    restarts = {name: find_process(status(full_stack.directory), name)["restarts"] for name in names}
    children = psutil.Process(before["web.1"]).children()
    assert children
    for name in names:
        kill(before[name])
        assert not is_ready(full_stack.directory, name)
    for name in names:
        eventually(lambda name=name: is_ready(full_stack.directory, name), timeout=60)  # type: ignore[misc]  # mypy's limit
        assert running_pids(full_stack.directory)[name] != before[name]
        assert find_process(status(full_stack.directory), name)["restarts"] == restarts[name] + 1
    # the children of a killed web must not answer on the shared port with old settings
    eventually(lambda: not any(child.is_running() for child in children), timeout=60)


def test_a_restarted_worker_first_finishes_its_calls(full_stack: FullStack) -> None:
    thought = full_stack.post("[[delay:classification:5000]] Shall I wait?")
    eventually(lambda: full_stack.call_events(thought, "classification") == ["start"], timeout=60)
    assert devstack("restart", "worker.1", "--dir", str(full_stack.directory)).returncode == 0
    assert full_stack.call_events(thought, "classification") == ["start", "end"]
    eventually(lambda: full_stack.is_completed(thought), timeout=60)
    assert full_stack.call_events(thought, "classification") == ["start", "end"]


def test_stop_with_a_kind_stops_all_processes_of_the_kind_and_no_others(full_stack: FullStack) -> None:
    before = set(running_pids(full_stack.directory))
    assert devstack("stop", "web", "--dir", str(full_stack.directory)).returncode == 0
    assert set(running_pids(full_stack.directory)) == before - {"web.1", "web.2"}
    assert devstack("start", "web", "--dir", str(full_stack.directory)).returncode == 0
    eventually(lambda: is_ready(full_stack.directory, "web.1") and is_ready(full_stack.directory, "web.2"), timeout=60)
