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


class CorruptBatchTracker:
    """Of one partition: which batch was found damaged, and how often."""

    def __init__(self) -> None:
        self._first_offset = -1
        self._attempts = 0

    def is_confirmed(self, first_offset: int) -> bool:
        """Whether the batch that begins there was now asked for often enough."""
        self._attempts = self._attempts + 1 if first_offset == self._first_offset else 1
        self._first_offset = first_offset
        return self._attempts >= MAX_ATTEMPTS
