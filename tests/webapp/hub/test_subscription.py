"""The queue from the hub to one stream."""

from uuid import uuid4

import pytest

from tests.event_examples import partial_text
from webapp.hub.sse import PartialText, StreamMessage
from webapp.hub.subscription import QUEUE_SIZE, ControlMessage, Subscription


def test_a_queue_that_overflows_closes_its_stream() -> None:
    subscription = Subscription("c")
    for _ in range(QUEUE_SIZE):
        subscription.offer(StreamMessage("x"))
    assert isinstance(subscription.next_message(0), StreamMessage)
    subscription.offer(StreamMessage("x"))
    subscription.offer(StreamMessage("one too many"))
    assert subscription.next_message(0) is ControlMessage.END


def test_partial_texts_occupy_at_most_half_of_the_queue_and_never_close_the_stream() -> None:
    subscription, text = Subscription("c"), PartialText(partial_text(uuid4(), uuid4(), 1))
    for _ in range(2 * QUEUE_SIZE):
        subscription.offer(text)
    for _ in range(QUEUE_SIZE // 2):
        subscription.offer(StreamMessage("a fact"))
    waiting = [subscription.next_message(0) for _ in range(QUEUE_SIZE)]
    assert waiting[: QUEUE_SIZE // 2] == [text] * (QUEUE_SIZE // 2)
    assert [message.data for message in waiting[QUEUE_SIZE // 2 :] if isinstance(message, StreamMessage)] == (
        ["a fact"] * (QUEUE_SIZE // 2)
    )
    subscription.offer(text)
    assert subscription.next_message(0) is text, "texts are accepted again when the queue is short"


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
