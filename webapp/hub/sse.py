"""Server-sent events in their wire format."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from flask_sse import Message

from contracts.events import EVENT_TYPES, PROGRESS_TYPE, ThoughtAgentProgress

LINE_ENDS = re.compile(r"\r\n|\r|\n")
"""The line ends of an event stream."""

_OTHER_LINE_ENDS: Final = re.compile("[\x85\u2028\u2029]")
"""Characters that JSON need not escape, at which clients that split by Python's splitlines() would cut a text."""


class StreamMessage(Message):  # type: ignore[misc] # flask-sse has no types
    """flask-sse's message, serialised so that no value can inject a field or get lost.

    Empty data is written as one empty data line. The id "" makes the browser forget the last id; None sends no id.
    """

    size = 0
    """The bytes of the published message that it was parsed from."""

    def __init__(self, data: Any, type: str | None = None, id: str | None = None, retry: int | None = None) -> None:  # noqa: A002 - flask-sse's names
        super().__init__(data, type=type, id=id, retry=retry)

    def __str__(self) -> str:
        text = self.data if isinstance(self.data, str) else _json(self.data)
        lines = [f"event: {_one_line(self.type)}"] if self.type else []
        lines += [f"data: {line}" for line in LINE_ENDS.split(text)]
        if self.id is not None:
            lines.append(f"id: {_one_line(str(self.id))}".rstrip(" "))
        if self.retry is not None:
            lines.append(f"retry: {int(self.retry)}")
        return "\n".join(lines) + "\n\n"

    def __bytes__(self) -> bytes:
        return str(self).encode("utf-8", "replace")


class PartialText(StreamMessage):
    """What an agent has written so far. It has no id, so it never moves the position from which a client resumes.

    All streams of a channel share the message and its bytes.
    """

    def __init__(self, progress: ThoughtAgentProgress) -> None:
        super().__init__(progress.to_dict(), PROGRESS_TYPE)
        self.progress = progress

    @cached_property
    def _bytes(self) -> bytes:
        return super().__bytes__()

    def __bytes__(self) -> bytes:
        return self._bytes


def is_user_event(message: StreamMessage, user_id: UUID) -> bool:
    """Return whether this is an event of the user. Any Redis client can publish other messages to the channel."""
    data = message.data
    if not (isinstance(data, Mapping) and message.type in EVENT_TYPES):
        return False
    return "timestamp" in data and data.get("user_id") == str(user_id) and _is_uuid(data.get("thought_id"))


def _is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False


_TYPES: Final[dict[str, type]] = {"type": str, "id": str, "retry": int}
"""Optional field of a published message -> type of its value."""


def parse_message(payload: bytes | str) -> StreamMessage:
    """Parse a published message, `{"data", "type"?, "id"?, "retry"?}`. Raises ValueError for anything else."""
    try:
        fields = json.loads(payload)
    except RecursionError:
        raise ValueError("too deeply nested") from None
    if not isinstance(fields, dict) or "data" not in fields:
        raise ValueError("expected a JSON object with `data`")
    wrong = [name for name, kind in _TYPES.items() if not isinstance(fields.get(name), kind | None)]
    if wrong:
        raise ValueError(f"of the wrong type: {', '.join(wrong)}")
    message = (
        PartialText(ThoughtAgentProgress.model_validate(fields["data"]))
        if fields.get("type") == PROGRESS_TYPE
        else StreamMessage(fields["data"], fields.get("type"), fields.get("id"), fields.get("retry"))
    )
    message.size = len(payload)
    return message


@dataclass(frozen=True, slots=True)
class Comment:
    """A line that EventSource ignores. It opens a stream at once and keeps it alive. `retry` is in milliseconds.

    No empty line follows: it would end a block, and some clients report every block as an event, an empty one here.
    """

    text: str
    retry: int | None = None

    def __bytes__(self) -> bytes:
        retry = "" if self.retry is None else f"retry: {self.retry}\n"
        return f"{retry}: {_one_line(self.text)}\n".encode()


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An id without an event. With the next event, it moves the position from which the client resumes.

    No empty line follows, for the same reason as for a comment. A client that reconnects before the next event gets an
    event with the same `event_id` again.
    """

    id: str

    def __bytes__(self) -> bytes:
        return f"id: {_one_line(self.id)}\n".encode()


def _json(data: Any) -> str:
    return _OTHER_LINE_ENDS.sub(lambda end: f"\\u{ord(end[0]):04x}", json.dumps(data, ensure_ascii=False))


def _one_line(value: str) -> str:
    return re.sub(r"[\r\n\0]", " ", value)
