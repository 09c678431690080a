"""Stores that answer and refuse: nothing is lost, reordered or paid twice, and no process has to be restarted."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import redis

from tests.eventually import eventually
from tests.faults.disk import Disk
from tests.faults.refusing_stores import (
    TEXT,
    assert_no_restart,
    count_refusals,
    is_refused,
    restarts_of_apps,
    submit_until_under_way,
)
from tests.faults.store_states import demoted_redis, read_only_postgres, redis_without_memory
from tests.faults.workload import assert_completed_in_order, submit_thoughts
from tests.running_stack import Stack


def test_a_read_only_postgresql_refuses_thoughts_with_503_and_the_same_connections_work_afterwards(
    stack: Stack,
) -> None:
    restarts = restarts_of_apps(stack)
    submitted = submit_until_under_way(stack)
    with read_only_postgres(stack):
        eventually(lambda: is_refused(stack))
    assert assert_completed_in_order(stack, submitted) == 0
    assert assert_completed_in_order(stack, submit_thoughts(stack, users=2, per_user=2)) == 0
    assert_no_restart(stack, restarts)


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
    assert_no_restart(stack, restarts)


def test_a_full_disk_costs_no_thought_that_was_accepted(stack: Stack, disk: Disk) -> None:
    submitted = submit_until_under_way(stack)
    with disk.full():
        eventually(lambda: is_refused(stack) or stack.last_exit("kafka.1") not in (None, 0), timeout=60)
    assert assert_completed_in_order(stack, submitted) == 0
    eventually(lambda: all(process["ready"] for process in stack.status()["processes"]), timeout=60)
    assert assert_completed_in_order(stack, submit_thoughts(stack, users=2, per_user=2)) == 0
