"""What the log's commits must keep: an offset is never committed past a non-terminal thought."""

from tests.simulation.kafka import Message, Partition
from tests.simulation.promise import Promise
from tests.simulation.rows import Tables
from tests.simulation.sentences import Sentence


class Commits:
    """The observer of the group's commits."""

    def __init__(self, promise: Promise, tables: Tables) -> None:
        self._promise = promise
        self._tables = tables

    def check(self, partition: Partition, offset: int) -> None:
        """Called with each commit, before it is made."""
        for message in partition.records[max(partition.checked, partition.low) : offset]:
            if not self._is_done(message):
                told = f"offset {offset} was committed past {message.at}: {message.names()}"
                self._promise.broken(Sentence.OFFSETS, told)
                return
        partition.checked = max(partition.checked, min(offset, len(partition.records)))

    def _is_done(self, message: Message) -> bool:
        named = message.names()
        thought = self._tables.thoughts.get(named[1]) if named else None
        if named and thought and thought.user_id == named[0] and self._promise.was_terminal(thought, named[2]):
            return True
        return message.is_mark or self._promise.is_buried(message, self._tables.letters)
