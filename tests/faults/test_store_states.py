"""Stores that answer and refuse: nothing is lost, reordered or paid twice, and no process has to be restarted."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from http import HTTPStatus
from urllib.error import HTTPError

import pytest
import redis

from tests.eventually import eventually
from tests.faults.disk import Disk
from tests.faults.store_states import demoted_redis, read_only_postgres, redis_without_memory
from tests.faults.workload import AGENTS, assert_completed_in_order, submit_thoughts
from tests.running_stack import Stack, new_id

STORES = {"postgres", "redis", "kafka"}
TEXT = "Beside a store that refuses [[delay:analysis:500]]"


def restarts_of_apps(stack: Stack) -> dict[str, int]:
    """Return how often each process of ours was restarted."""
    processes = stack.status()["processes"]
    return {process["name"]: process["restarts"] for process in processes if process["kind"] not in STORES}


def submit_until_under_way(stack: Stack) -> dict[str, list[str]]:
    """Submit thoughts of several users, and return when the first ones are being worked on."""
    submitted = submit_thoughts(stack, users=4, per_user=3, text=TEXT)
    last = [thoughts[-1] for thoughts in submitted.values()]
    assert any(stack.call_counts(thought).total() < AGENTS for thought in last), "the work ended before the fault"
    return submitted


def is_refused(stack: Stack) -> bool:
    """Return whether a thought is refused with 503 and a time to wait."""
    try:
        stack.post("Refused", new_id())
    except HTTPError as error:
        with error:
            return error.code == HTTPStatus.SERVICE_UNAVAILABLE and bool(error.headers["Retry-After"])
    return False


def count_refusals(client: redis.Redis, kind: str) -> int:
    """Count the commands that Redis has answered with this kind of error so far."""
    return int(client.info("errorstats").get(f"errorstat_{kind}", {}).get("count", 0))


def test_a_read_only_postgresql_refuses_thoughts_with_503_and_the_same_connections_work_afterwards(
    stack: Stack,
) -> None:
    restarts = restarts_of_apps(stack)
    submitted = submit_until_under_way(stack)
    with read_only_postgres(stack):
        eventually(lambda: is_refused(stack))
    assert assert_completed_in_order(stack, submitted) == 0
    assert assert_completed_in_order(stack, submit_thoughts(stack, users=2, per_user=2)) == 0
    assert restarts_of_apps(stack) == restarts


@pytest.mark.parametrize(("fault", "kind"), [(demoted_redis, "READONLY"), (redis_without_memory, "OOM")])
def test_while_redis_refuses_writes_thoughts_are_accepted_and_they_complete_afterwards(
    stack: Stack, fault: Callable[[Stack], AbstractContextManager[None]], kind: str
) -> None:
    restarts = restarts_of_apps(stack)
    submitted = submit_until_under_way(stack)
    with redis.Redis.from_url(stack.initial_status["redis_url"]) as client:
        before = count_refusals(client, kind)
        with fault(stack):
            submitted |= submit_thoughts(stack, users=2, per_user=2, text=TEXT)
            eventually(lambda: count_refusals(client, kind) >= before + 5)
    assert assert_completed_in_order(stack, submitted) == 0
    assert restarts_of_apps(stack) == restarts


def test_a_full_disk_costs_no_thought_that_was_accepted(stack: Stack, disk: Disk) -> None:
    submitted = submit_until_under_way(stack)
    with disk.full():
        eventually(lambda: is_refused(stack) or stack.last_exit("kafka.1") not in (None, 0), timeout=60)
    assert assert_completed_in_order(stack, submitted) == 0
    eventually(lambda: all(process["ready"] for process in stack.status()["processes"]), timeout=60)
    assert assert_completed_in_order(stack, submit_thoughts(stack, users=2, per_user=2)) == 0
