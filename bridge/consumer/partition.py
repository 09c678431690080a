"""A partition of the current assignment: its lane, and what is committed for it.

A commit carries two facts about the log besides the offset, so that a later consumer notices another log in its place:

- Its metadata holds the topic's id. When the topic was deleted and recreated, the old offsets mean nothing.
- Its leader epoch is that of the records below the offset. When the log lost its tail and grew again, which only
  another leader can have caused, the records that are there now have a later epoch.
"""

from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import TopicPartition

from bridge.consumer.lane import Lane
from bridge.kafka.corrupt_batches import CorruptBatchTracker
from bridge.kafka.start_offset import NO_EPOCH, StartOffset
from bridge.kafka.topic_ids import NO_TOPIC_ID

NOT_COMMITTED: Final = -1
"""In the place of the committed offset: the frontier must be committed even if it has not moved."""


@dataclass(slots=True)
class AssignedPartition:
    """Holds the state of one partition from its assignment to its revocation."""

    lane: Lane
    topic_id: str
    """The id of the topic at the assignment; NO_TOPIC_ID when the broker has none."""
    committed: int
    """The frontier that was last committed, or NOT_COMMITTED."""
    epoch: int
    """The leader epoch of the last record that was read, at first that of the commit; NO_EPOCH when it is not known."""
    epoch_known_below: int
    """The offset behind that record: `epoch` applies to nothing from here on."""
    checks_previous_record: bool
    """Whether the record before the lane's first one is still to be read, for its epoch."""
    paused: bool = False
    """Whether reading is paused because the lane was full."""
    corrupt_batches: CorruptBatchTracker = field(default_factory=CorruptBatchTracker)

    @classmethod
    def at(cls, start: StartOffset, topic_id: str, lease_seconds: float) -> "AssignedPartition":
        """Return a partition that is read from `start`.

        After an alarm its frontier is committed at once in place of the wrong commit: otherwise the log could grow up
        to that commit, and the next consumer would skip records.
        """
        lane = Lane(max(0, start.offset), lease_seconds)
        committed = NOT_COMMITTED if start.alarm and start.offset >= 0 else lane.frontier
        return cls(lane, topic_id, committed, start.epoch, start.offset, start.checks_previous_record)

    @property
    def has_uncommitted_progress(self) -> bool:
        """Whether the frontier must be committed."""
        return self.lane.frontier > self.committed

    def note_epoch(self, offset: int, epoch: int | None) -> None:
        """Note the leader epoch of the record that was read at `offset`; None when the broker sends no epochs."""
        self.epoch, self.epoch_known_below = NO_EPOCH if epoch is None else epoch, offset + 1

    def finish_previous_record_check(self, epoch: int | None) -> bool:
        """Return whether the log has another record before the lane's first one than at the commit.

        `epoch` is that record's leader epoch. A later epoch than the commit's means that it was written since.
        """
        self.checks_previous_record = False
        return epoch is not None and epoch > self.epoch

    def to_commit(self, topic: str, number: int) -> TopicPartition:
        """Return the frontier with the topic's id and a leader epoch.

        An epoch that is later than that of the records below the frontier does no harm. An earlier one would look like
        a lost tail, so the commit carries no epoch when the frontier lies past the last record whose epoch is known, as
        behind a transaction marker. A broker without topic ids (librdkafka's mock) rejects every epoch but its current
        one, so its commits carry none either.
        """
        frontier = self.lane.frontier
        has_epoch = frontier <= self.epoch_known_below and self.topic_id != NO_TOPIC_ID
        return TopicPartition(topic, number, frontier, self.topic_id, self.epoch if has_epoch else NO_EPOCH)
