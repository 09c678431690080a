"""Formats a dead letter for a terminal and as JSON."""

import base64
from collections.abc import Iterator
from typing import Any, Final

from bridge.dead_letters.queries import Contents, DeadLetter, isoformat_seconds
from contracts.dead_letters import kafka_headers
from contracts.visible_text import escape_control_chars

MESSAGE_WIDTH: Final = 100
STACK_HEADER: Final = "error-stack"


def format_line(letter: DeadLetter) -> str:
    """Return one line; control characters in the message are escaped, so that it cannot start another."""
    message = " ".join(letter.message.split())[:MESSAGE_WIDTH]
    agent = f"{letter.agent} (attempts: {letter.attempts})" if letter.agent else "no agent"
    created_at = isoformat_seconds(letter.created_at)
    return escape_control_chars(
        f"{letter.failure_id}  {created_at}  {letter.state}  {letter.reason}  {agent}  {message}"
    )


def format_text(letter: DeadLetter, contents: Contents, replay_outcome: str) -> Iterator[str]:
    """Yield lines about everything that is known: reason, state, thought, position, headers, stack and value."""
    outcome = "; ".join(part for part in (letter.state_text, replay_outcome) if part)
    yield escape_control_chars(f"Dead letter {letter.failure_id}")
    yield escape_control_chars(f"Reason: {letter.reason}")
    yield f"Created: {isoformat_seconds(letter.created_at)}"
    yield escape_control_chars(f"State: {outcome}")
    if letter.thought_id is not None:
        yield escape_control_chars(f"Thought: {letter.thought_id}, turn {letter.turn}, user {letter.user_id}")
    yield f"Dead letter topic: {_topic_position(letter)}"
    headers = kafka_headers(letter.failure_id, contents.headers)
    yield "Headers:"
    yield from (f"  {escape_control_chars(name)}: {_escaped(value)}" for name, value in headers if name != STACK_HEADER)
    if stack := str(contents.headers.get("stack") or ""):
        yield "Stack:"
        yield from (f"  {escape_control_chars(line)}" for line in stack.splitlines())
    yield from _value_lines(contents.value)


def format_json(letter: DeadLetter, contents: Contents, replay_outcome: str) -> dict[str, Any]:
    """Return the same as JSON-ready values.

    Header values and the value are text, or {"base64": ...} when they are not UTF-8; a tombstone is null.
    """
    headers = kafka_headers(letter.failure_id, contents.headers)
    return letter.to_json() | {
        "replay_outcome": replay_outcome,
        "headers": [[name, _printable(value)] for name, value in headers],
        "value": _printable(contents.value),
    }


def _topic_position(letter: DeadLetter) -> str:
    if letter.kafka_offset is None:
        return "not published yet; its outbox row waits for the relay or is parked"
    return f"partition {letter.kafka_partition}, offset {letter.kafka_offset}"


def _value_lines(value: bytes | None) -> Iterator[str]:
    if value is None:
        yield "Value: none (a tombstone, unless original-value-left-out gives another reason)"
        return
    printable = _printable(value)
    is_text = isinstance(printable, str)
    yield f"Value ({len(value):,} bytes{'' if is_text else ', shown in base64'}):"
    yield from (
        f"  {escape_control_chars(line)}" for line in (printable if is_text else printable["base64"]).split("\n")
    )


def _escaped(value: bytes | None) -> str:
    if value is None:
        return "(null)"
    printable = _printable(value)
    return escape_control_chars(printable) if isinstance(printable, str) else f"base64 {printable['base64']}"


def _printable(value: bytes | None) -> Any:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}
