"""PostgreSQL -> relay -> Kafka: which kinds of rows the outbox has, who writes each, and what the relay makes of it.

Whoever must inform Kafka inserts an outbox row in the same statement as the change of state. The relay
(`bridge/relay`) is the only reader: it publishes the rows in the order of their ids and deletes what Kafka has
acknowledged. An author who deletes a thought empties its rows that still wait (`webapp/deletion.py`).

A test compares this table with every INSERT of the packages.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class RowKind:
    """One kind of outbox row. `topic` is the setting that names its topic; `written_by` are constants of statements."""

    topic: str
    columns: tuple[str, ...]
    written_by: tuple[str, ...]
    becomes: str


ROW_KINDS: Final = (
    RowKind(
        topic="kafka_topic",
        columns=("topic", "key", "turn", "value", "headers"),
        written_by=("contracts.accept.ACCEPT", "bridge.relay.sweep.SWEEP", "bridge.dead_letters.replay.REPLAY"),
        becomes="A thought to be worked on: the key is its user's id, the header `turn` its position.",
    ),
    RowKind(
        topic="kafka_topic",
        columns=("topic", "value", "headers"),
        written_by=("bridge.dead_letters.replay.RESEND",),
        becomes="A record that never became a thought, with its own key, bytes and headers, and `replay-of`.",
    ),
    RowKind(
        topic="kafka_events_topic",
        columns=("topic", "key", "turn", "value", "headers"),
        written_by=("tasks.statements.SAVE", "tasks.statements.FAIL"),
        becomes="A lifecycle event for other systems: an agent or a thought was completed, or a thought failed.",
    ),
    RowKind(
        topic="kafka_dead_letter_topic",
        columns=("topic", "key", "failure_id", "value", "headers"),
        written_by=("tasks.statements.FAIL", "bridge.dead_letters.republish.REPUBLISH"),
        becomes="The dead letter of a thought that failed.",
    ),
    RowKind(
        topic="kafka_dead_letter_topic",
        columns=("topic", "failure_id", "value", "headers"),
        written_by=("bridge.dead_letters.insert.INSERT_DEAD_LETTER",),
        becomes="The dead letter of a record that cannot become a thought.",
    ),
)
