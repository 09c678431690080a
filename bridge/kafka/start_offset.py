"""Where a partition is read from when it is assigned. Pure: an offset is never skipped in silence."""

from dataclasses import dataclass
from typing import Final

from confluent_kafka import OFFSET_BEGINNING

UNKNOWN_WATERMARKS: Final = (OFFSET_BEGINNING, 2**63 - 1)
"""Of a partition without a leader. A committed offset is believed then; where it is wrong, the reading tells so."""


NO_EPOCH: Final = -1


@dataclass(frozen=True, slots=True)
class CommittedOffset:
    """What the group committed: the offset, the id of the topic that it was committed for ("" if not known), and the
    leader epoch of the records below."""

    offset: int
    topic_id: str
    epoch: int = NO_EPOCH


@dataclass(frozen=True, slots=True)
class StartOffset:
    """The offset to begin with, or OFFSET_BEGINNING; `alarm` tells people what was found wrong. Where there is an
    `epoch`, the record before the offset is looked at: of a later epoch, it is another one than was done."""

    offset: int
    alarm: str = ""
    epoch: int = NO_EPOCH

    @property
    def checks_previous_record(self) -> bool:
        """Whether the record before is to be looked at."""
        return self.epoch != NO_EPOCH

    @property
    def read_from(self) -> int:
        """The offset that Kafka is asked for first."""
        return self.offset - self.checks_previous_record


def choose_start_offset(committed: CommittedOffset | None, topic_id: str, low: int, high: int) -> StartOffset:
    """Begin at the committed offset, or at the earliest one: a thought that is done costs one look-up, a skipped one is
    lost. `low` and `high` are the partition's watermarks."""
    if committed is None:
        return StartOffset(low)
    if committed.topic_id and topic_id and committed.topic_id != topic_id:
        return StartOffset(low, "the topic was made anew since the last commit; beginning at the earliest record")
    if not low <= committed.offset <= high:
        return StartOffset(
            low,
            f"the committed offset {committed.offset} is outside of {low} to {high}; beginning at the earliest record",
        )
    return StartOffset(committed.offset, epoch=committed.epoch if 0 <= low < committed.offset else NO_EPOCH)


@dataclass(frozen=True, slots=True)
class PartitionOffsets:
    """What Kafka says of a partition: its log's ends, how far it can be read, and what the group committed."""

    partition: int
    topic_id: str
    low: int
    high: int
    readable: int
    committed: CommittedOffset | None

    @property
    def committed_below(self) -> int:
        """Everything below was told to be done. A commit for another log, or outside of this one, says nothing."""
        return choose_start_offset(self.committed, self.topic_id, self.low, self.high).offset
