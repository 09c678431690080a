"""One server-sent event on the wire."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask_sse import Message

from contracts.events import EVENT_TYPES

LINE_ENDS = re.compile(r"\r\n|\r|\n")
"""What ends a line in an event stream; Python's splitlines() knows more, such as U+2028."""


class StreamMessage(Message):  # type: ignore[misc] # flask-sse has no types
    """flask-sse's message, written so that no value can add a field or vanish.

    An empty text is one empty data line. An id of "" tells the browser to forget the last one; None sends no id.
    """

    def __init__(self, data: Any, type: str | None = None, id: str | None = None, retry: int | None = None) -> None:  # noqa: A002 - flask-sse's names
        super().__init__(data, type=type, id=id, retry=retry)

    def __str__(self) -> str:
        text = self.data if isinstance(self.data, str) else json.dumps(self.data, ensure_ascii=False)
        lines = [f"event: {_one_line(self.type)}"] if self.type else []
        lines += [f"data: {line}" for line in LINE_ENDS.split(text)]
        if self.id is not None:
            lines.append(f"id: {_one_line(str(self.id))}".rstrip(" "))
        if self.retry is not None:
            lines.append(f"retry: {int(self.retry)}")
        return "\n".join(lines) + "\n\n"

    def __bytes__(self) -> bytes:
        return str(self).encode("utf-8", "replace")


def is_event(message: StreamMessage, user_id: UUID) -> bool:
    """Whether this may be shown on the user's stream: Redis's channels may carry anybody's messages."""
    data = message.data
    if not (isinstance(data, Mapping) and isinstance(message.type, str) and message.type in EVENT_TYPES):
        return False
    return data.keys() >= {"thought_id", "timestamp"} and data.get("user_id") == str(user_id)


def parse_message(payload: bytes | str) -> StreamMessage:
    """Read what was published: `{"data", "type"?, "id"?, "retry"?}`. Raises ValueError for anything else."""
    fields = json.loads(payload)
    if not isinstance(fields, dict) or "data" not in fields:
        raise ValueError("a published message is an object with data")
    return StreamMessage(fields["data"], fields.get("type"), fields.get("id"), fields.get("retry"))


@dataclass(frozen=True, slots=True)
class Comment:
    """A line that EventSource ignores; it opens a stream at once and keeps it alive. `retry` in milliseconds."""

    text: str
    retry: int | None = None

    def __bytes__(self) -> bytes:
        retry = "" if self.retry is None else f"retry: {self.retry}\n"
        return f"{retry}: {_one_line(self.text)}\n\n".encode()


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An id without an event: the reader continues behind it and is told nothing."""

    id: str

    def __bytes__(self) -> bytes:
        return f"id: {_one_line(self.id)}\n\n".encode()


def _one_line(value: str) -> str:
    return re.sub(r"[\r\n\0]", " ", value)
