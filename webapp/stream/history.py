"""A user's event history in Redis, and whether a client can resume from a Last-Event-ID."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

import redis

from contracts.progress import stream_key
from webapp.hub.sse import StreamMessage, parse_message

StreamId = tuple[int, int]
"""A Redis stream id as numbers: milliseconds and sequence. As text, "9-0" would sort after "10-0"."""

Entry = tuple[bytes, dict[bytes, bytes]]
"""An entry of a Redis stream."""

FIRST_ENTRIES: Final = 10
ALL_ENTRIES: Final = 1000
SMALL_READ_BYTES: Final = 32 * 1024
"""A history is read ten entries at a time, because each may have 120 kB; or at once when the first are small."""

OMITTED: Final = "(omitted)"
"""Stands for a text in the history, and is recognised by its identity."""

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
    """Read the user's stream without the texts, and skip invalid entries. Raises RedisError when Redis is unavailable.

    A stream holds the history while its client reads, so `read_message` reads a text when it is sent.
    """
    return History(tuple(_without_text(message) for message in _messages(client, stream_key(prefix, str(user_id)))))


def read_message(client: redis.Redis, prefix: str, user_id: object, outline: StreamMessage) -> StreamMessage | None:
    """Return a message of the history with its text, or None when it has expired. Raises RedisError."""
    if not (isinstance(outline.data, dict) and outline.data.get("text") is OMITTED):
        return outline
    entries: Any = client.xrange(stream_key(prefix, str(user_id)), outline.id, outline.id)
    return _message(*entries[0]) if entries else None


def _messages(client: redis.Redis, key: str) -> Iterator[StreamMessage]:
    start, count = "-", FIRST_ENTRIES
    while entries := cast("list[Entry]", client.xrange(key, start, count=count)):
        yield from (message for entry_id, fields in entries if (message := _message(entry_id, fields)))
        if len(entries) < count:
            return
        start = f"({entries[-1][0].decode()}"
        has_large_entries = sum(len(fields.get(b"message", b"")) for _, fields in entries) > SMALL_READ_BYTES
        count = FIRST_ENTRIES if has_large_entries else ALL_ENTRIES


def _without_text(message: StreamMessage) -> StreamMessage:
    if isinstance(message.data, dict) and "text" in message.data:
        message.data["text"] = OMITTED
    return message


def _message(entry_id: bytes, fields: dict[bytes, bytes]) -> StreamMessage | None:
    try:
        message = parse_message(fields.get(b"message", b""))
    except ValueError:
        return None
    message.id = entry_id.decode()
    return message


def _event_id(message: StreamMessage) -> str | None:
    return str(message.data.get("event_id")) if isinstance(message.data, dict) else None
