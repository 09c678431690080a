"""The queue from the hub to one stream."""

import pytest

from webapp.hub.sse import StreamMessage
from webapp.hub.subscription import QUEUE_SIZE, ControlMessage, Subscription


def test_a_queue_that_overflows_closes_its_stream() -> None:
    subscription = Subscription("c")
    for _ in range(QUEUE_SIZE):
        subscription.offer(StreamMessage("x"))
    assert isinstance(subscription.next_message(0), StreamMessage)
    subscription.offer(StreamMessage("x"))
    subscription.offer(StreamMessage("one too many"))
    assert subscription.next_message(0) is ControlMessage.END


@pytest.mark.parametrize("is_in_time", [True, False])
def test_a_confirmation_after_the_stream_has_started_is_reported_as_a_gap(*, is_in_time: bool) -> None:
    subscription = Subscription("c")
    if is_in_time:
        subscription.confirm()
    subscription.wait_until_confirmed(0.0)
    assert subscription.next_message(0.0) is None
    subscription.confirm()
    assert subscription.next_message(0.0) is ControlMessage.GAP
    assert subscription.next_message(0.0) is None
