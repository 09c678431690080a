"""Skips records that Kafka's client cannot decompress or decode.

For such a record batch every consumer receives only an error. The error names the batch's first offset, whichever of
its records was requested, and it is repeated until the position has moved past the batch. Readers therefore skip its
records one at a time.
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
"""librdkafka's errors for a batch that does not decompress, that decompresses to more than 100 MB, or whose format it
does not know. Other errors name the requested offset, and concern the broker. librdkafka's `check.crcs` would detect
more, and must stay off: after a wrong checksum librdkafka continues at bytes where no record starts, and was seen to
fetch from an offset made of them."""

PARTITION_ERRORS: Final = CORRUPT_BATCH_ERRORS | {KafkaError._PARTITION_EOF}  # noqa: SLF001
"""Errors that describe the content of one partition, and that readers handle. _PARTITION_EOF names the offset at which
the log ends for now."""

MAX_ATTEMPTS: Final = 3
"""How often a batch is requested before its next record is skipped. A batch that was corrupted in transit, or by a
broker that is being replaced, is intact in a later attempt."""


@dataclass(frozen=True, slots=True)
class CorruptRecord:
    """An offset whose record cannot be decoded, and the client's error message."""

    partition: int
    offset: int
    reason: str


@dataclass(frozen=True, slots=True)
class Skip:
    """Where to seek after an error of CORRUPT_BATCH_ERRORS.

    `skipped` is the offset that was given up, or None when the batch is only requested again.
    """

    seek_to: int
    skipped: int | None


class CorruptBatchTracker:
    """Counts, for one partition, how often the same corrupt batch was received, and skips its records one by one."""

    def __init__(self) -> None:
        self._first_offset = -1
        self._attempts = 0

    def skip(self, first_offset: int, next_offset: int) -> Skip:
        """Decide what to read next.

        `first_offset` is the first offset of the batch, as the error names it. `next_offset` is the first offset of the
        partition that was not read yet, which may lie within the batch.
        """
        offset = max(first_offset, next_offset)
        if self._confirm(first_offset):
            return Skip(offset + 1, offset)
        return Skip(offset, None)

    def _confirm(self, first_offset: int) -> bool:
        self._attempts = self._attempts + 1 if first_offset == self._first_offset else 1
        self._first_offset = first_offset
        return self._attempts >= MAX_ATTEMPTS
