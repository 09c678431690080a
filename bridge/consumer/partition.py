"""A partition of the present assignment: its lane, and what of it the group knows.

A commit says two things of its log besides the offset. Its metadata has the topic's id: the offsets of a log that was
deleted and made anew mean nothing. Its leader epoch is that of the records below the offset: where a log lost its tail
and grew again, which only another leader can have done, what stands there now has a later one.
"""

from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import TopicPartition

from bridge.consumer.lane import Lane
from bridge.kafka.corrupt_batches import CorruptBatchTracker
from bridge.kafka.start_offset import NO_EPOCH, StartOffset
from bridge.kafka.topic_ids import NO_TOPIC_ID

NOT_COMMITTED: Final = -1


@dataclass(slots=True)
class AssignedPartition:
    """`epoch` is that of the last record that was read, before `epoch_until`; at first that of the commit."""

    lane: Lane
    topic_id: str
    committed: int
    epoch: int
    epoch_known_below: int
    checks_previous_record: bool
    paused: bool = False
    corrupt_batches: CorruptBatchTracker = field(default_factory=CorruptBatchTracker)

    @classmethod
    def at(cls, start: StartOffset, topic_id: str, patience: float) -> "AssignedPartition":
        """One that begins there. What was committed wrongly is put right at once: a log that grew up to it would be
        skipped."""
        lane = Lane(max(0, start.offset), patience)
        committed = NOT_COMMITTED if start.alarm and start.offset >= 0 else lane.frontier
        return cls(lane, topic_id, committed, start.epoch, start.offset, start.checks_previous_record)

    @property
    def has_uncommitted_progress(self) -> bool:
        """Whether there is something to commit."""
        return self.lane.frontier > self.committed

    def record_epoch(self, offset: int, epoch: int | None) -> None:
        """The record at this offset was written under the leader of this epoch."""
        self.epoch, self.epoch_known_below = NO_EPOCH if epoch is None else epoch, offset + 1

    def log_was_replaced(self, epoch: int | None) -> bool:
        """Whether the record before the lane's first, of this epoch, was not there yet when the commit was made."""
        self.checks_previous_record = False
        return epoch is not None and epoch > self.epoch

    def to_commit(self, topic: str, number: int) -> TopicPartition:
        """The frontier. A later epoch than its own does no harm. An earlier one would be taken for a lost tail, so past
        the last record that told one there is none; nor is there for a broker without topic ids (librdkafka's own),
        which refuses all epochs but its present one."""
        frontier = self.lane.frontier
        is_told = frontier <= self.epoch_known_below and self.topic_id != NO_TOPIC_ID
        return TopicPartition(topic, number, frontier, self.topic_id, self.epoch if is_told else NO_EPOCH)
