"""Chooses the offset at which an assigned partition is read first. Pure: records are never skipped without an alarm."""

from dataclasses import dataclass
from typing import Final

from confluent_kafka import OFFSET_BEGINNING

UNKNOWN_WATERMARKS: Final = (OFFSET_BEGINNING, 2**63 - 1)
"""The watermarks of a partition without a leader. A committed offset is trusted then; if it is wrong, reading the
partition reports it."""


NO_EPOCH: Final = -1


@dataclass(frozen=True, slots=True)
class CommittedOffset:
    """What the group committed for a partition.

    `topic_id` is the id of the topic that the offset was committed for ("" if unknown), `epoch` the leader epoch of the
    records below the offset.
    """

    offset: int
    topic_id: str
    epoch: int = NO_EPOCH


@dataclass(frozen=True, slots=True)
class StartOffset:
    """The first offset to read, or OFFSET_BEGINNING.

    `alarm` describes what is wrong with the commit. With an `epoch`, the record before the offset is checked: if its
    leader epoch is higher, the log was truncated and has other records than those that were processed.
    """

    offset: int
    alarm: str = ""
    epoch: int = NO_EPOCH

    @property
    def checks_previous_record(self) -> bool:
        """Whether the record before the offset must be checked."""
        return self.epoch != NO_EPOCH

    @property
    def read_from(self) -> int:
        """The offset that is requested from Kafka first."""
        return self.offset - self.checks_previous_record


def choose_start_offset(committed: CommittedOffset | None, topic_id: str, low: int, high: int) -> StartOffset:
    """Return the committed offset, or the earliest one when there is no usable commit.

    Reading a finished thought's record again costs one query; skipping a record would lose a thought. `low` and `high`
    are the partition's watermarks.
    """
    if committed is None:
        return StartOffset(low)
    if committed.topic_id and topic_id and committed.topic_id != topic_id:
        return StartOffset(low, "the topic was recreated after the last commit; reading starts at the earliest record")
    if not low <= committed.offset <= high:
        return StartOffset(
            low,
            f"the committed offset {committed.offset} is outside the log's range {low} to {high}; "
            "reading starts at the earliest record",
        )
    return StartOffset(committed.offset, epoch=committed.epoch if 0 <= low < committed.offset else NO_EPOCH)


@dataclass(frozen=True, slots=True)
class PartitionOffsets:
    """Kafka's figures for a partition: its watermarks, the readable end, and what the group committed.

    `readable` is the end for a consumer, which lies before the first transaction that has not ended.
    """

    partition: int
    topic_id: str
    low: int
    high: int
    readable: int
    committed: CommittedOffset | None

    @property
    def committed_below(self) -> int:
        """The offset below which all records are committed as done.

        A commit for another log, or outside this one, counts as none.
        """
        return choose_start_offset(self.committed, self.topic_id, self.low, self.high).offset
