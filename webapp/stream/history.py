"""A user's event history in Redis, and whether a client can resume from a Last-Event-ID."""

import re
from collections import deque
from dataclasses import dataclass
from typing import Any

import redis

from contracts.progress import stream_key
from webapp.hub.sse import StreamMessage, parse_message

StreamId = tuple[int, int]
"""A Redis stream id as numbers: milliseconds and sequence. As text, "9-0" would sort after "10-0"."""

_ID = re.compile(r"([0-9]{1,20})-([0-9]{1,20})")


@dataclass(frozen=True, slots=True)
class History:
    """The messages of a user's Redis stream in order, each with its id."""

    messages: tuple[StreamMessage, ...]

    def can_resume(self, after: StreamId) -> bool:
        """Return whether the history is complete after this position, because it lies between its two ends."""
        ends = [parse_stream_id(message.id) for message in (self.messages[:1] + self.messages[-1:])]
        return len(ends) == 2 and ends[0] is not None and ends[1] is not None and ends[0] <= after <= ends[1]

    def up_to(self, after: StreamId) -> list[StreamMessage]:
        """Return what the client has received: the messages up to and including this position."""
        return [message for message in self.messages if (parse_stream_id(message.id) or after) <= after]

    def after(self, after: StreamId) -> list[StreamMessage]:
        """Return what the client has missed: the messages after this position."""
        return [message for message in self.messages if (parse_stream_id(message.id) or after) > after]


class ResumePointTracker:
    """Tracks from which position a client can resume while a snapshot is sent in another order than the history.

    `history` was read before the snapshot, so its messages that are not in `unsent` were sent earlier or are outdated.
    """

    def __init__(self, history: History, unsent: set[str]) -> None:
        self._remaining = deque(history.messages)
        self._unsent = unsent

    def advance(self, event_id: str) -> str | None:
        """Return the resume point after sending this event, or None when an earlier one is still unsent."""
        self._unsent.discard(event_id)
        resume_point = None
        while self._remaining and _event_id(self._remaining[0]) not in self._unsent:
            resume_point = self._remaining.popleft().id
        return resume_point


def parse_stream_id(event_id: str | None) -> StreamId | None:
    """Return a Redis stream id as numbers, or None for any other text."""
    match = _ID.fullmatch(event_id or "")
    return (int(match[1]), int(match[2])) if match else None


def read_history(client: redis.Redis, prefix: str, user_id: object) -> History:
    """Read the user's stream and skip invalid entries. Raises RedisError when Redis is unavailable."""
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
