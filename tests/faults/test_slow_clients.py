"""Clients that send a byte a second or never read: others are served, and thoughts are analysed, beside them."""

from tests.faults.slow_clients import slow_clients
from tests.faults.workload import assert_completed_in_order, submit_thoughts
from tests.running_stack import FULL_EVENT_SEQUENCE, Stack, new_id


def test_beside_four_hundred_slow_clients_a_thought_is_accepted_analysed_and_streamed(stack: Stack) -> None:
    with slow_clients(stack, 100) as clients:
        user = new_id()
        listener = stack.listen(user)
        thought = stack.post("Beside slow clients", user)["id"]
        submitted = submit_thoughts(stack, users=3, per_user=2)
        assert assert_completed_in_order(stack, submitted) == 0
        assert stack.wait_until_terminal(thought)["status"] == "completed"
        assert stack.get("/health")
        assert len(clients.dripping) + len(clients.unread) == 400
    assert listener.event_names(thought) == FULL_EVENT_SEQUENCE
