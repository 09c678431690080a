"""Offsets whose records Kafka's client cannot unpack or decode: nobody who asks for them is given more than an error.

The error names the offset at which the record batch begins, whichever of its records was asked for, and comes again for
as long as one of them is. So who reads passes by them one at a time.
"""

from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaError

CORRUPT_BATCH_ERRORS: Final = frozenset(
    {
        KafkaError._BAD_COMPRESSION,  # noqa: SLF001  librdkafka's own names
        KafkaError._BAD_MSG,  # noqa: SLF001
        KafkaError._NOT_IMPLEMENTED,  # noqa: SLF001
    }
)
"""What librdkafka says of a batch that does not unpack, or to more than 100 MB, or is of a form that it does not know.
Other errors name the offset that was asked for, and mean the broker. Its `check.crcs` would find more, and must stay
off: after a wrong checksum it reads on at bytes that begin no record, and was seen to fetch from an offset made of
them."""

PARTITION_ERRORS: Final = CORRUPT_BATCH_ERRORS | {KafkaError._PARTITION_EOF}  # noqa: SLF001
"""What is an answer to who reads; the other one names the offset at which the log ends for now."""

MAX_ATTEMPTS: Final = 3
"""So often a batch is asked for before it is given up: what was spoilt on its way, or by a broker that is replaced, is
whole the next time."""


@dataclass(frozen=True, slots=True)
class CorruptRecord:
    """An offset without a record that can be read, and why."""

    partition: int
    offset: int
    reason: str


@dataclass(frozen=True, slots=True)
class Skip:
    """Where to seek after an error of CORRUPT_BATCH_ERRORS. `skipped` is the offset that was given up, None when the
    batch is only requested again."""

    seek_to: int
    skipped: int | None


class CorruptBatchTracker:
    """Counts, for one partition, how often the same corrupt batch was received, and skips its records one by one."""

    def __init__(self) -> None:
        self._first_offset = -1
        self._attempts = 0

    def skip(self, first_offset: int, next_offset: int) -> Skip:
        """Decide what to read next. `first_offset` is the batch's, as the error says; `next_offset` is the next one of
        the partition that was not read yet, which may lie within the batch."""
        offset = max(first_offset, next_offset)
        if self._is_confirmed(first_offset):
            return Skip(offset + 1, offset)
        return Skip(offset, None)

    def _is_confirmed(self, first_offset: int) -> bool:
        self._attempts = self._attempts + 1 if first_offset == self._first_offset else 1
        self._first_offset = first_offset
        return self._attempts >= MAX_ATTEMPTS
