"""How a dead letter looks on a terminal and as JSON."""

import base64
from collections.abc import Iterator
from typing import Any, Final

from bridge.console import plain
from bridge.dead_letters.queries import Contents, DeadLetter, moment
from contracts.dead_letters import kafka_headers

MESSAGE_WIDTH: Final = 100
STACK_HEADER: Final = "error-stack"


def line(letter: DeadLetter) -> str:
    """One line; nothing in the message can start another."""
    what = " ".join(letter.message.split())[:MESSAGE_WIDTH]
    tried = f"{letter.agent or '-'} x{letter.attempts}"
    return plain(f"{letter.failure_id}  {moment(letter.created_at)}  {letter.state}  {letter.reason}  {tried}  {what}")


def as_text(letter: DeadLetter, held: Contents, afterwards: str) -> Iterator[str]:
    """What became of it, where it stands, its headers, its stack, its value."""
    yield plain(f"{letter.failure_id}  {letter.reason}")
    yield f"since {moment(letter.created_at)}, {plain(letter.became)}" + (
        f": {plain(afterwards)}" if afterwards else ""
    )
    if letter.thought_id is not None:
        yield plain(f"thought {letter.thought_id}, turn {letter.turn}, user {letter.user_id}")
    yield _place(letter)
    headers = kafka_headers(letter.failure_id, held.headers)
    yield "headers:"
    yield from (f"  {plain(name)}: {_shown(value)}" for name, value in headers if name != STACK_HEADER)
    if stack := str(held.headers.get("stack") or ""):
        yield "stack:"
        yield from (f"  {plain(one)}" for one in stack.splitlines())
    yield from _value_lines(held.value)


def as_json(letter: DeadLetter, held: Contents, afterwards: str) -> dict[str, Any]:
    """The same; header values and the value as text, or else as {"base64": ...}; a tombstone is null."""
    headers = kafka_headers(letter.failure_id, held.headers)
    return letter.to_json() | {
        "afterwards": afterwards,
        "headers": [[name, _told(value)] for name, value in headers],
        "value": _told(held.value),
    }


def _place(letter: DeadLetter) -> str:
    if letter.kafka_offset is None:
        return "in Kafka: not yet, its record waits in the outbox or is parked there"
    return f"in Kafka: partition {letter.kafka_partition}, offset {letter.kafka_offset} of the dead letter topic"


def _value_lines(value: bytes | None) -> Iterator[str]:
    if value is None:
        yield "value: none, a tombstone"
        return
    told = _told(value)
    yield f"value, {len(value):,} bytes" + ("" if isinstance(told, str) else ", in base64") + ":"
    yield from (f"  {plain(one)}" for one in (told if isinstance(told, str) else told["base64"]).split("\n"))


def _shown(value: bytes | None) -> str:
    if value is None:
        return "(null)"
    told = _told(value)
    return plain(told) if isinstance(told, str) else f"base64 {told['base64']}"


def _told(value: bytes | None) -> Any:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}
