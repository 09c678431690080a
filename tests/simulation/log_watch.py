"""What is noted of the work topic's log: no offset is committed past a non-terminal thought, and what others wrote is
stored in the order in which it stands there."""

from itertools import takewhile

from tests.simulation.kafka import Kafka, Message, Named, Partition
from tests.simulation.promise import Promise
from tests.simulation.rows import Tables, Thought
from tests.simulation.sentences import Sentence


class LogWatch:
    """The observer."""

    def __init__(self, promise: Promise, tables: Tables) -> None:
        self._promise = promise
        self._tables = tables
        self._kafka: Kafka | None = None

    def look_at(self, kafka: Kafka) -> None:
        """The broker whose log it is."""
        self._kafka = kafka

    def check(self, partition: Partition, offset: int) -> None:
        """Called with each commit, before it is made."""
        for message in partition.records[max(partition.checked, partition.low) : offset]:
            if not self._is_done(message):
                told = f"offset {offset} was committed past {message.at}: {message.named}"
                self._promise.broken(Sentence.OFFSETS, told)
                return
        partition.checked = max(partition.checked, min(offset, len(partition.records)))

    def stored(self, thought: Thought) -> None:
        """Called with each thought that a bridge stores: in one of the places where it stands nothing of its author may
        wait before it. For a record with a turn no order is promised, nor to who began in a log that was replaced."""
        assert self._kafka is not None
        found = [
            (one, message)
            for one in self._kafka.partitions
            for message in one.records
            if message.names(thought.user_id, thought.id)
        ]
        bare = all(message.named and message.named.turn is None for _, message in found)
        asked: dict[int, int] = self._promise.asker.consumer.generations
        of_old = any(asked.get(message.number) != self._kafka.generation for _, message in found)
        if found and bare and not of_old and not any(self._is_next(*place) for place in found):
            self._promise.broken(
                Sentence.ORDER, f"thought {thought.id.int} was stored before one that stands before it"
            )

    def _is_next(self, partition: Partition, message: Message) -> bool:
        assert message.named is not None
        earlier = takewhile(lambda one: one is not message, partition.records[partition.low :])
        return all(self._is_stored(one) for one in earlier if one.is_of_others(message.named.user))

    def _is_stored(self, message: Message) -> bool:
        assert message.named is not None
        return message.named.thought in self._tables.thoughts or self._is_buried(message)

    def _is_done(self, message: Message) -> bool:
        named = message.named
        thought = self._tables.thoughts.get(named.thought) if named else None
        if (
            named
            and thought
            and _is_of(named, thought)
            and self._promise.was_terminal(thought, named.turn, message.written)
        ):
            return True
        return message.is_mark or self._is_buried(message)

    def _is_buried(self, message: Message) -> bool:
        return self._promise.is_buried(message, self._tables.letters)


def _is_of(named: Named, thought: Thought) -> bool:
    """Whether the record tells of this thought. Of a deleted one nobody knows the text."""
    same_text = named.turn is not None or thought.text in {"", named.text}
    return named.user == thought.user_id and same_text
