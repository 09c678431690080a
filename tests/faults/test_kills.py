"""Whatever is killed: nothing lost, nothing reordered, nothing saved twice, nothing paid twice without need."""

import os
import signal
import threading
import time
from contextlib import suppress
from itertools import cycle
from urllib.error import HTTPError

import psutil
import pytest
import redis

from tests.eventually import eventually
from tests.faults.load import People
from tests.faults.verdicts import Hit
from tests.faults.work import AGENTS, begun, everything_is_done_in_order, promised, verdict, work
from tests.running_stack import WHOLE_STORY, Stack, somebody

PACE = threading.Event()
"""Never set: people write at a pace; nothing is waited for by it."""


def kill_in_the_middle(stack: Stack, name: str) -> dict[str, list[str]]:
    """Work of several people, and a process that is killed while some of it is open; returns the work."""
    pid = stack.pid(name)
    posted = work(stack, users=4, each=3, text="Under fire [[delay:analysis:500]]")
    os.kill(pid, signal.SIGKILL)
    last = [thoughts[-1] for thoughts in posted.values()]
    assert any(stack.starts(thought).total() < AGENTS for thought in last), "all was done before the kill"
    return posted


@pytest.mark.parametrize("name", ["bridge.1", "relay.1", "beat.1", "flower.1"])
def test_a_killed_process_that_pays_for_nothing_costs_no_call(stack: Stack, name: str) -> None:
    posted = kill_in_the_middle(stack, name)
    assert everything_is_done_in_order(stack, posted) == 0


def has_ended(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_ZOMBIE
    return True


def test_a_killed_web_costs_no_call(stack: Stack) -> None:
    left_behind = psutil.Process(stack.pid("web.1")).children()
    posted = kill_in_the_middle(stack, "web.1")
    eventually(lambda: all(map(has_ended, left_behind)))  # until then they answer, and break answers off
    eventually(lambda: stack.process("web.1")["ready"], timeout=60)
    assert everything_is_done_in_order(stack, posted) == 0


def test_a_killed_worker_costs_at_most_the_calls_it_had_begun(stack: Stack) -> None:
    posted = work(stack, users=6, each=2, text="Killed in the call [[delay:analysis:3000]]")
    first = next(iter(posted.values()))[0]
    (call,) = eventually(lambda: begun(stack, first, "analysis"))
    at = time.time()
    os.kill(call.pid, signal.SIGKILL)
    found = verdict(stack, promised(posted), [Hit(call.pid, at, at)])
    assert found.breaches == []
    assert found.paid_twice, "all was done before the kill"


def test_a_stopped_worker_is_replaced_and_writes_nothing_when_it_wakes(stack: Stack) -> None:
    workers = [stack.pid("worker.1"), stack.pid("worker.2")]
    accepted = stack.post("Stopped in the call [[delay:value_impact:3000]]", somebody())
    eventually(lambda: stack.starts(accepted["id"])["value_impact"] == 1)
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        eventually(lambda: stack.starts(accepted["id"])["value_impact"] == 2, timeout=60)
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    thought = stack.ended(accepted["id"])
    assert thought["status"] == "completed"
    assert thought["agents"][2]["attempts"] == 2


def test_a_redis_that_forgets_everything_loses_no_thought(stack: Stack) -> None:
    posted = work(stack, users=4, each=2)
    redis.Redis.from_url(stack.status_then["redis_url"]).flushall()
    assert everything_is_done_in_order(stack, posted) == 0


@pytest.mark.parametrize("store", ["redis", "kafka"])
def test_a_killed_store_costs_time_and_no_call(stack: Stack, store: str) -> None:
    posted = kill_in_the_middle(stack, f"{store}.1")
    assert everything_is_done_in_order(stack, posted) == 0


def test_a_killed_postgresql_costs_time_and_no_call(stack: Stack) -> None:
    posted = kill_in_the_middle(stack, "postgres.1")
    eventually(lambda: stack.process("postgres.1")["ready"], timeout=60)
    assert everything_is_done_in_order(stack, posted) == 0


def test_while_postgresql_is_away_requests_are_told_when_to_come_back_and_nothing_accepted_is_lost(
    stack: Stack,
) -> None:
    people = People(stack.url, number=4, seed=1, pause=(0.05, 0.2))
    people.start()
    eventually(lambda: people.accepted)
    stack.command("stop", "postgres.1")
    try:
        eventually(lambda: people.answers[503] >= 4)
        with pytest.raises(HTTPError) as refused:
            stack.thought(people.accepted[0].id)
        refused.value.close()
    finally:
        stack.command("start", "postgres.1")
    before = len(people.accepted)
    eventually(lambda: len(people.accepted) > before, timeout=60)
    people.stop()
    assert (refused.value.code, bool(refused.value.headers["Retry-After"])) == (503, True)
    assert (people.wrong, set(people.answers)) == ([], {201, 503})
    assert {stack.ended(each.id, timeout=90)["status"] for each in people.accepted} <= {"completed", "failed"}


def test_thoughts_are_accepted_while_kafka_is_away_for_twenty_seconds(stack: Stack) -> None:
    people = [somebody() for _ in range(4)]
    posted: dict[str, list[str]] = {person: [] for person in people}
    stack.command("stop", "kafka")
    try:
        eventually(lambda: stack.get("/health")["status"] == "degraded")
        until = time.monotonic() + 20
        for person in cycle(people):
            accepted = stack.post("Written in the meantime", person)
            assert "queued" in accepted["message"]
            posted[person].append(accepted["id"])
            if time.monotonic() > until:
                break
            PACE.wait(1)
    finally:
        stack.command("start", "kafka")
    assert everything_is_done_in_order(stack, posted) == 0


def test_who_watches_sees_the_whole_story_through_a_restart_of_redis(stack: Stack) -> None:
    user = somebody()
    listener = stack.listen(user)
    accepted = stack.post("Watched through it [[delay:analysis:1500]]", user)
    eventually(lambda: "thought_agent_completed 1/5" in listener.of(accepted["id"]))
    stack.kill("redis.1")
    stack.ended(accepted["id"], timeout=90)
    eventually(lambda: listener.of(accepted["id"]) == WHOLE_STORY, timeout=30)
