"""A second installation on the servers of a running one."""

from tests.faults.neighbour import start_with_our_prefix, work_beside
from tests.faults.workload import assert_completed_in_order, submit_thoughts
from tests.running_stack import Stack


def test_a_second_installation_completes_its_thoughts_beside_ours(stack: Stack) -> None:
    submitted = submit_thoughts(stack, users=3, per_user=2)
    assert work_beside(stack) == []
    assert assert_completed_in_order(stack, submitted) == 0


def test_a_second_installation_with_our_prefix_refuses_to_start_and_takes_no_thought(stack: Stack) -> None:
    assert start_with_our_prefix(stack) == []
    assert assert_completed_in_order(stack, submit_thoughts(stack, users=3, per_user=2)) == 0
