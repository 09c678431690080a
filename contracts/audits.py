"""relay -> PostgreSQL -> web: the figures of the last audit, one row of `audits`.

`python -m bridge audit --json` prints the same object, and GET /metrics shows its numbers: each name below is the name
of a gauge with the prefix `thoughts_audit_`.

    {"mode": "kafka", "seconds": 0.4, "consistent": true, "outbox_rows": 0, ...,
     "partitions": [{"partition": 0, "first": 0, "end": 8, "committed": 8, "lag": 0, "records": {"completed": 8}}],
     "findings": {"frontier": 0, ...},
     "finding_details": [{"kind": ..., "subject": ..., "text": ...}]}

`findings` counts every inconsistency by kind. `finding_details` describes them, in the relay's audit only the first
hundred.
"""

from typing import Any, Final

Figures = dict[str, Any]

RECORD_STATES: Final = {
    "completed": "its thought is completed",
    "failed": "its thought has failed",
    "deleted": "its author deleted the thought",
    "replayed": "its thought was replayed since and has a new turn",
    "moved": "its thought is in the line of the account that its user has joined, and has a record there",
    "dead_lettered": "it could not become a thought and is a dead letter",
    "foreign": "another installation wrote it to this topic, and reads it itself",
    "in_flight": "its thought is being processed",
    "waiting": "its thought waits in its user's line",
    "unknown": "no thought is stored for it yet",
    "withheld": "Kafka shows it to no reader until a transaction at or before its offset has ended",
    "gaps": "an offset without a record: expired, compacted or a transaction marker",
}
"""The states of a record of the work topic. The first seven are done; an offset may be committed past these only."""

DONE_STATES: Final = frozenset({"completed", "failed", "deleted", "replayed", "moved", "dead_lettered", "foreign"})

PARTITION_FIGURES: Final = {
    "first": "The first offset that the audit counted",
    "end": "The offset that the next record will have",
    "committed": "The offset that the bridges committed; -1 when there is none",
    "lag": "Records that are not committed",
}
"""Figures of a partition of the work topic; `end` - `first` is the sum of its records."""

SINGLE_FIGURES: Final = {
    "seconds": "Duration of the audit",
    "users_checked": "Users whose order of calls was checked",
    "thoughts_checked": "Their thoughts",
    "runs_checked": "The saved steps of these thoughts",
    "open_users": "Users with thoughts that are not terminal",
    "users_without_record": "Users whose open thoughts have no record or outbox row; the sweep re-emits them",
    "stalled_thoughts": "Thoughts in work whose lease expired long ago and that no bridge has taken over",
    "outbox_rows": "Rows in the outbox",
    "outbox_oldest_seconds": "Age of the oldest outbox row that is not parked",
    "outbox_parked_rows": "Outbox rows that Kafka rejected permanently",
    "dead_letters_open": "Dead letters that are neither replayed nor discarded",
    "dead_letters_indexed": "Dead letters in the index",
    "dead_letters_unpublished": "Those of them that Kafka has not acknowledged and that have no outbox row",
    "dead_letters_in_topic": "Failure ids in the dead letter topic",
    "batches_open": "Batches that were requested and have not ended",
}
"""The figures that are one number each."""

FINDING_KINDS: Final = (
    "frontier", "commit", "no_record", "order", "steps", "attempts", "stalled", "outbox", "parked", "dead_letter",
    "batch",
)  # fmt: skip
"""The kinds of inconsistencies."""
