"""Describes the columns in plain English, for people who look into the database."""

from alembic import op

revision = "0005"
down_revision = "0004"

COMMENTS = [
    ("users", "last_turn", "the last turn given", "turn of the user's latest thought"),
    (
        "thoughts",
        "turn",
        "place in the user's line; a replay gets a new one",
        "position in the user's line; a replay gives a new one",
    ),
    (
        "thoughts",
        "event",
        "the event's bytes, a foreign producer's own",
        "the event, as its producer wrote it",
    ),
    ("thoughts", "headers", "another producer's key and headers", "key and headers of an external producer's record"),
    ("thoughts", "started_at", "when it was first taken from the line", "first dispatch in this turn"),
    ("thoughts", "step_started_at", "when the latest call began", "start of the latest call"),
    ("thoughts", "finished_at", "set = terminal", "set when the thought is completed, failed or deleted"),
    (
        "thoughts",
        "processing_seconds",
        "from the take to the last save, as told to the browser",
        "seconds from the first dispatch to the last saved step",
    ),
    ("thoughts", "error", "agent, kind, message, attempts", "last failure: agent, kind, message, attempts"),
    (
        "thoughts",
        "origin",
        "topic, partition, offset, timestamp of the record that rang",
        "topic, partition, offset and timestamp of the dispatched record",
    ),
    ("thoughts", "dispatch_id", "token of the chain in force", "fencing token of the current chain"),
    ("thoughts", "steps_done", None, "saved steps"),
    ("thoughts", "attempts", "calls begun of the next step", "calls of the next step"),
    ("thoughts", "call_id", "the one call in progress", "fencing token of the call in progress"),
    (
        "thoughts",
        "beat",
        "raised by whoever works",
        "raised by every write of the worker",
    ),
    (
        "thoughts",
        "beat_at",
        "for people; no decision hangs on it but the sweep's",
        "time of the last write of beat; only the sweep decides by it",
    ),
    ("thoughts", "sends", "sendings of the next step's message", "how often the next step's message was sent"),
    ("thoughts", "not_before", "a retry may not start earlier", "earliest start of the scheduled retry"),
    ("thoughts", "emitted_at", None, "last write of its event to the outbox"),
    ("thoughts", "emissions", None, "re-emissions by the sweep"),
    ("agent_runs", "cost_usd", "NULL where the price is unknown, never a guess", "NULL when the price is unknown"),
    ("agent_runs", "turn", "the turn it was saved in", "turn in which the step was saved"),
    ("outbox", "parked_at", "Kafka refused the row for good", "when Kafka rejected the row permanently"),
    ("dead_letters", "replayed_turn", "the turn a replay gave", "turn that the replay gave to the thought"),
    ("batches", "asked_at", None, "when the batch was requested"),
    ("batches", "begun_at", None, "when a bridge started the batch"),
    ("batches", "ended_at", None, "when all its thoughts were terminal"),
]
"""Table, column, comment before and comment after."""


def upgrade() -> None:
    for table, column, before, after in COMMENTS:
        op.alter_column(table, column, comment=after, existing_comment=before)


def downgrade() -> None:
    for table, column, before, after in COMMENTS:
        op.alter_column(table, column, comment=before, existing_comment=after)
