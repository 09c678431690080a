"""Messages for a broker's list: a valid one as a bridge sends it, and changed copies of it."""

import base64
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import redis
from redis.utils import str_if_bytes

from bridge.consumer.protocol import Head
from contracts.queues import THOUGHTS_QUEUE
from contracts.settings import Settings
from tests.tasks.worker_processes import dispatch, stored_keys

Change = Callable[[dict[str, Any]], object]


def example_head(thought_id: str = "01a2093f-3f5c-754d-984f-b60af69db1d7") -> Head:
    """Return a head that no database knows: its message is valid and has no effect."""
    return Head(
        thought_id=UUID(thought_id),
        user_id=UUID(int=1),
        turn=1,
        steps_done=0,
        dispatch_id=1,
        beat=0,
        sends=1,
        losses=0,
        in_call=False,
        wait=0.0,
        needs_dispatch=True,
        begins=False,
    )


def valid_message(settings: Settings, client: redis.Redis) -> dict[str, Any]:
    """Return the message that a bridge sends, and leave the list empty."""
    dispatch(settings, [example_head()])
    return take_message(client)


def take_message(client: redis.Redis) -> dict[str, Any]:
    """Return the only message in the lists of the queue, and remove it."""
    (key,) = stored_keys(client, THOUGHTS_QUEUE)
    (item,) = client.lrange(str_if_bytes(key), 0, -1)
    client.delete(key)
    return dict(json.loads(item))


def changed(message: dict[str, Any], change: Change) -> dict[str, Any]:
    """Return a copy of a message after `change` was applied to it."""
    copy: dict[str, Any] = json.loads(json.dumps(message))
    change(copy)
    return copy


def with_body(message: dict[str, Any], body: Any) -> dict[str, Any]:
    """Return a copy of a message with this body, in JSON and base64."""
    return message | {"body": base64.b64encode(json.dumps(body).encode()).decode()}


def body_of(message: dict[str, Any]) -> Any:
    """Return the body of a message: arguments, keyword arguments and embedded options."""
    return json.loads(base64.b64decode(message["body"]))
