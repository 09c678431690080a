"""How a dead letter looks on a terminal and as JSON."""

import base64
from collections.abc import Iterator
from typing import Any, Final

from bridge.console import escape_control_chars
from bridge.dead_letters.queries import Contents, DeadLetter, isoformat_utc
from contracts.dead_letters import kafka_headers

MESSAGE_WIDTH: Final = 100
STACK_HEADER: Final = "error-stack"


def format_line(letter: DeadLetter) -> str:
    """One line; nothing in the message can start another."""
    what = " ".join(letter.message.split())[:MESSAGE_WIDTH]
    tried = f"{letter.agent or '-'} x{letter.attempts}"
    return escape_control_chars(
        f"{letter.failure_id}  {isoformat_utc(letter.created_at)}  {letter.state}  {letter.reason}  {tried}  {what}"
    )


def format_text(letter: DeadLetter, held: Contents, afterwards: str) -> Iterator[str]:
    """What became of it, where it stands, its headers, its stack, its value."""
    yield escape_control_chars(f"{letter.failure_id}  {letter.reason}")
    yield f"since {isoformat_utc(letter.created_at)}, {escape_control_chars(letter.outcome)}" + (
        f": {escape_control_chars(afterwards)}" if afterwards else ""
    )
    if letter.thought_id is not None:
        yield escape_control_chars(f"thought {letter.thought_id}, turn {letter.turn}, user {letter.user_id}")
    yield _kafka_position(letter)
    headers = kafka_headers(letter.failure_id, held.headers)
    yield "headers:"
    yield from (f"  {escape_control_chars(name)}: {_escaped(value)}" for name, value in headers if name != STACK_HEADER)
    if stack := str(held.headers.get("stack") or ""):
        yield "stack:"
        yield from (f"  {escape_control_chars(one)}" for one in stack.splitlines())
    yield from _value_lines(held.value)


def format_json(letter: DeadLetter, held: Contents, afterwards: str) -> dict[str, Any]:
    """The same; header values and the value as text, or else as {"base64": ...}; a tombstone is null."""
    headers = kafka_headers(letter.failure_id, held.headers)
    return letter.to_json() | {
        "afterwards": afterwards,
        "headers": [[name, _printable(value)] for name, value in headers],
        "value": _printable(held.value),
    }


def _kafka_position(letter: DeadLetter) -> str:
    if letter.kafka_offset is None:
        return "in Kafka: not yet, its record waits in the outbox or is parked there"
    return f"in Kafka: partition {letter.kafka_partition}, offset {letter.kafka_offset} of the dead letter topic"


def _value_lines(value: bytes | None) -> Iterator[str]:
    if value is None:
        yield "value: none, a tombstone"
        return
    told = _printable(value)
    yield f"value, {len(value):,} bytes" + ("" if isinstance(told, str) else ", in base64") + ":"
    yield from (
        f"  {escape_control_chars(one)}" for one in (told if isinstance(told, str) else told["base64"]).split("\n")
    )


def _escaped(value: bytes | None) -> str:
    if value is None:
        return "(null)"
    told = _printable(value)
    return escape_control_chars(told) if isinstance(told, str) else f"base64 {told['base64']}"


def _printable(value: bytes | None) -> Any:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}
