"""The checks of the work topic's log: no offset is committed past a non-terminal thought, and the thoughts of external
producers are accepted in the order of the log."""

from itertools import takewhile

from tests.simulation.invariant_checks import InvariantChecks
from tests.simulation.invariants import Invariant
from tests.simulation.kafka import EventFields, Kafka, Message, Partition
from tests.simulation.tables import Tables, Thought


class LogChecks:
    """Observes commits, and the thoughts that bridges store."""

    def __init__(self, checks: InvariantChecks, tables: Tables) -> None:
        self._checks = checks
        self._tables = tables
        self._kafka: Kafka | None = None

    def observe(self, kafka: Kafka) -> None:
        """Set the broker whose log is checked."""
        self._kafka = kafka

    def check_commit(self, partition: Partition, offset: int) -> None:
        """Check a commit before it is made."""
        for message in partition.records[max(partition.checked_below, partition.low) : offset]:
            if not self._is_done(message):
                description = f"offset {offset} was committed past {message.log_offset}: {message.event}"
                self._checks.violate(Invariant.OFFSETS, description)
                return
        partition.checked_below = max(partition.checked_below, min(offset, len(partition.records)))

    def check_external_accept(self, thought: Thought) -> None:
        """Check a thought that a bridge stores: in at least one place of the log, all earlier records are stored.

        No order is promised for a record with a turn, nor to a bridge that was assigned a log that has been replaced.
        """
        assert self._kafka is not None
        places = [
            (partition, message)
            for partition in self._kafka.partitions
            for message in partition.records
            if message.is_of(thought.user_id, thought.id)
        ]
        have_no_turn = all(message.event and message.event.turn is None for _, message in places)
        assigned: dict[int, int] = self._checks.current_process.consumer.assigned_generations
        is_replaced_log = any(assigned.get(message.partition_number) != self._kafka.generation for _, message in places)
        if places and have_no_turn and not is_replaced_log and not any(self._is_next(*place) for place in places):
            self._checks.violate(
                Invariant.ORDER, f"thought {thought.id.int} was stored before a record that precedes it in the log"
            )

    def _is_next(self, partition: Partition, message: Message) -> bool:
        assert message.event is not None
        earlier = takewhile(lambda record: record is not message, partition.records[partition.low :])
        return all(self._is_stored(record) for record in earlier if record.is_external(message.event.user))

    def _is_stored(self, message: Message) -> bool:
        assert message.event is not None
        return message.event.thought in self._tables.thoughts or self._has_dead_letter(message)

    def _is_done(self, message: Message) -> bool:
        event = message.event
        thought = self._tables.thoughts.get(event.thought) if event else None
        if event and thought and self._tables.account_of.get(event.user) == thought.user_id:
            return True  # its record of the account's line was written with the move
        if (
            event
            and thought
            and _describes(event, thought)
            and self._checks.was_terminal(thought, event.turn, message.writes_before)
        ):
            return True
        return message.is_transaction_marker or self._has_dead_letter(message)

    def _has_dead_letter(self, message: Message) -> bool:
        return self._checks.has_dead_letter(message, self._tables.dead_letters)


def _describes(event: EventFields, thought: Thought) -> bool:
    """Return whether the event is about this thought. The text of a deleted thought is unknown, so any text matches."""
    same_text = event.turn is not None or thought.text in {"", event.text}
    return event.user == thought.user_id and same_text
