"""What is compared of the rows of both: without the columns and members that depend on the time of day."""

import re
from collections.abc import Mapping
from typing import Any

from tests.simulation.tables import OutboxRow

COMPARED_COLUMNS = {
    *("user_known", "turn", "owner", "old_text", "fresh", "created", "n", "verdict", "user_id", "head", "steps_done"),
    *("dispatch_id", "beat", "sends", "in_call", "losses", "needs_dispatch", "begins", "pending"),
    *("is_thought", "replayed_turn", "status", "closed", "emitted", "last", "left_out", "too_large", "waits"),
    *("cancelled", "is_open", "kind", "was_retried", "attempts", "call_id", "state", "reused_from"),
    *("author", "joined", "may_join"),
}

TIMESTAMP = re.compile(rb'"timestamp": "[^"]*"')
"""An event that a join writes has the time of its thought."""


def outbox_values(row: Any) -> tuple[Any, ...]:
    return row.topic, row.key, row.turn, row.failure_id, comparable(row.value)


def comparable(value: Any) -> Any:
    return TIMESTAMP.sub(b"", bytes(value)) if isinstance(value, memoryview | bytes) else value


def work_headers(row: OutboxRow) -> Any:
    return row.headers if row.topic == "work" else None


def compared(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns to compare; where Decide found no head, only those of the record."""
    columns = ("n", "verdict", "user_id") if row.get("head", "no column") is None else COMPARED_COLUMNS
    return {name: row[name] for name in columns if name in row}
