"""A webhook receives the ends of thoughts on a running stack, also when the relay is killed in between."""

import base64
import hashlib
import hmac
import json
import os
import signal

from tests.bridge.webhooks.receiver import Received, running_receiver
from tests.eventually import eventually
from tests.flow.test_retry_and_cancel import act
from tests.running_stack import Stack, new_id
from tests.stores import execute

SECRET = b"s" * 32


def add_webhook(stack: Stack, user: str, url: str) -> None:
    """Give the user a webhook for all events."""
    statement = f"""
        INSERT INTO webhooks (id, user_id, url, secret, events)
        VALUES (gen_random_uuid(), '{user}', '{url}', '\\x{SECRET.hex()}', '{{thought_completed,thought_failed}}')
    """
    execute(stack.initial_status["database_url"], statement)


def is_signed(request: Received) -> bool:
    content = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    expected = base64.b64encode(hmac.new(SECRET, content, hashlib.sha256).digest()).decode()
    return request.headers["webhook-signature"] == f"v1,{expected}"


def test_a_webhook_hears_of_a_completed_and_a_cancelled_thought_although_the_relay_is_killed(stack: Stack) -> None:
    user = new_id()
    stack.wait_until_terminal(stack.post("Before the webhook", user)["id"])
    with running_receiver() as receiver:
        add_webhook(stack, user, receiver.url)
        completed = stack.post("Completed", user)["id"]
        eventually(lambda: receiver.received)
        cancelled = stack.post("Cancelled [[delay:classification:20000]]", user)["id"]
        eventually(lambda: stack.call_counts(cancelled)["classification"] == 1)
        os.kill(stack.wait_for_pid("relay.1"), signal.SIGKILL)
        act(stack, cancelled, "cancel")
        eventually(lambda: len(receiver.received) == 2, timeout=60)
    assert all(map(is_signed, receiver.received))
    events = [json.loads(request.body)["data"]["event"] for request in receiver.received]
    assert [(event["event_type"], event["thought_id"]) for event in events] == [
        ("thought_completed", completed),
        ("thought_failed", cancelled),
    ]
    assert events[1]["error_kind"] == "cancelled"
