"""PostgreSQL -> relay -> Kafka: lists the kinds of outbox rows, the statements that write them and what they become.

A statement that changes state and must inform Kafka inserts the outbox row itself, so both are committed together. The
relay (`bridge/relay`) is the only reader: it publishes the rows in the order of their ids and deletes the rows that
Kafka acknowledged. Deleting a thought also empties those of its dead letters that are still in the outbox
(`webapp/deletion.py`).

A test compares ROW_KINDS with every INSERT of the packages.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class RowKind:
    """One kind of outbox row."""

    topic: str
    """The setting that holds the topic's name."""
    columns: tuple[str, ...]
    written_by: tuple[str, ...]
    """The constants that hold the statements."""
    becomes: str
    """The record that the relay publishes."""


ROW_KINDS: Final = (
    RowKind(
        topic="kafka_topic",
        columns=("topic", "key", "turn", "value", "headers"),
        written_by=(
            "contracts.accept.ACCEPT",
            "bridge.relay.sweep.SWEEP",
            "contracts.replay.REPLAY",
            "webapp.accounts.joining.JOIN_ACCOUNT",
        ),
        becomes="A thought to analyse: the key is its user's id, the header `turn` is its turn.",
    ),
    RowKind(
        topic="kafka_topic",
        columns=("topic", "value", "headers"),
        written_by=("bridge.dead_letters.replay.RESEND",),
        becomes="A record that never became a thought, with its original key, value and headers, and `replay-of`.",
    ),
    RowKind(
        topic="kafka_events_topic",
        columns=("topic", "key", "turn", "value", "headers"),
        written_by=("tasks.statements.SAVE", "tasks.statements.FAIL", "webapp.cancellation.CANCEL"),
        becomes="A lifecycle event for other systems: a step was saved, or a thought completed, failed or cancelled.",
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
