"""relay -> PostgreSQL -> web: what the last audit counted, one row of `audits`.

`python -m bridge audit --json` prints the same object, and GET /metrics shows its numbers: each word here is, behind
`thoughts_audit_`, the name of a gauge.

    {"mode": "kafka", "seconds": 0.4, "adds_up": true,
     "partitions": [{"partition": 0, "first": 0, "end": 8, "committed": 8, "lag": 0, "records": {"completed": 8, ...}}],
     "findings": {"frontier": 0, ...}, "found": [{"kind": ..., "subject": ..., "line": ...}], "outbox_rows": 0, ...}
"""

from typing import Any, Final

Figures = dict[str, Any]

RECORD_STATES: Final = {
    "completed": "its thought is completed",
    "dead": "its thought has failed",
    "deleted": "its author deleted the thought",
    "moved_on": "its thought was replayed since and has a new turn",
    "buried": "it could be no thought and is a dead letter",
    "in_flight": "its thought is being worked on",
    "waiting": "its thought waits in its author's line",
    "unknown": "no thought is stored for it yet",
    "withheld": "no reader is shown it until its producer, or one before it, has ended a transaction",
    "gaps": "an offset without a record: expired, compacted or a transaction's mark",
}
"""What a record of the work topic can be. The first five are done; an offset may be committed past them only."""

DONE_STATES: Final = frozenset({"completed", "dead", "deleted", "moved_on", "buried"})

PARTITION_FIGURES: Final = {
    "first": "The offset that counting began with",
    "end": "The offset that the next record will have",
    "committed": "The offset that the bridges committed; -1 where there is none",
    "lag": "Records that are not committed",
}
"""Figures of a partition of the work topic; `end` - `first` is the sum of its records."""

SINGLE_FIGURES: Final = {
    "seconds": "How long the audit took",
    "users_checked": "Users whose order of calls this audit looked at",
    "thoughts_checked": "Their thoughts",
    "runs_checked": "The saved steps of these thoughts",
    "open_users": "Users with thoughts that are not terminal",
    "unrung_users": "Users with an open thought that no record rings for, left to the sweep",
    "silent_thoughts": "Thoughts in work whose beat stands still for longer than anybody's patience",
    "outbox_rows": "Rows in the outbox",
    "outbox_oldest_seconds": "Age of the oldest row that is not parked",
    "outbox_parked_rows": "Rows that Kafka refused for good",
    "dead_letters_open": "Dead letters nobody has replayed or discarded",
    "dead_letters_indexed": "Dead letters in the table",
    "dead_letters_unpublished": "Those of them that are neither in the topic nor on the way to it",
    "dead_letters_in_topic": "Failure ids in the dead letter topic",
    "batches_open": "Batches asked for and not ended",
}
"""The figures that are one number each."""

FINDING_KINDS: Final = (
    "frontier", "commit", "unrung", "order", "steps", "attempts", "silent", "outbox", "parked", "letter", "batch",
)  # fmt: skip
"""The kinds of findings: what may fail to add up."""
