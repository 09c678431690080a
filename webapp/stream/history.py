"""What Redis still has of a user's events, and whether a Last-Event-ID can be continued from there."""

import re
from collections import deque
from dataclasses import dataclass
from typing import Any

import redis

from contracts.progress import stream_key
from webapp.hub.sse import StreamMessage, parse_message

StreamId = tuple[int, int]
"""A Redis stream id as numbers: milliseconds and sequence. As text, "9-0" would come after "10-0"."""

_ID = re.compile(r"([0-9]{1,20})-([0-9]{1,20})")


@dataclass(frozen=True, slots=True)
class History:
    """The messages of a user's Redis stream in order, each with its id."""

    messages: tuple[StreamMessage, ...]

    def can_continue(self, after: StreamId) -> bool:
        """Whether nothing after this position was trimmed: it lies within what is kept."""
        ends = [parse_stream_id(message.id) for message in (self.messages[:1] + self.messages[-1:])]
        return len(ends) == 2 and ends[0] is not None and ends[1] is not None and ends[0] <= after <= ends[1]

    def up_to(self, after: StreamId) -> list[StreamMessage]:
        """What the reader has seen, up to and with this position."""
        return [message for message in self.messages if (parse_stream_id(message.id) or after) <= after]

    def after(self, after: StreamId) -> list[StreamMessage]:
        """What the reader has missed."""
        return [message for message in self.messages if (parse_stream_id(message.id) or after) > after]


class ResumePointTracker:
    """Up to where a reader may say that it has everything, while a snapshot is told in another order than Redis's.

    `kept` was read before the snapshot, so whatever of it the snapshot does not tell is of the past.
    """

    def __init__(self, kept: History, untold: set[str]) -> None:
        self._ahead = deque(kept.messages)
        self._untold = untold

    def advance(self, event_id: str) -> str | None:
        """The place reached by telling this event; None where something before it is still to be told."""
        self._untold.discard(event_id)
        reached = None
        while self._ahead and _event_id(self._ahead[0]) not in self._untold:
            reached = self._ahead.popleft().id
        return reached


def parse_stream_id(event_id: str | None) -> StreamId | None:
    """A Redis stream id as numbers; None for anything else."""
    found = _ID.fullmatch(event_id or "")
    return (int(found[1]), int(found[2])) if found else None


def read_history(client: redis.Redis, prefix: str, user_id: object) -> History:
    """Read the user's stream, without what somebody else has put there. Raises RedisError when Redis is unavailable."""
    entries: Any = client.xrange(stream_key(prefix, str(user_id)))
    return History(tuple(message for entry_id, fields in entries if (message := _message(entry_id, fields))))


def _message(entry_id: bytes, fields: dict[bytes, bytes]) -> StreamMessage | None:
    try:
        message = parse_message(fields.get(b"message", b""))
    except ValueError:
        return None
    message.id = entry_id.decode()
    return message


def _event_id(message: StreamMessage) -> str | None:
    return str(message.data.get("event_id")) if isinstance(message.data, dict) else None
