"""The ends of partitions' logs, asked for by a client that is no consumer: one in a callback would not look again for
partitions that were made after it began."""

from collections.abc import Collection
from typing import Final

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

REQUEST_TIMEOUT_SECONDS: Final = 2.0

EARLIEST: Final = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
LATEST: Final = OffsetSpec.latest()  # type: ignore[no-untyped-call]


class Watermarks:
    """Of each partition that was `asked` for and has a leader, the first offset and the one behind the last."""

    def __init__(self, admin: AdminClient, topic: str) -> None:
        self._admin = admin
        self._topic = topic
        self.known: dict[int, tuple[int, int]] = {}

    def fetch(self, numbers: Collection[int]) -> None:
        """Learn what is not known yet. Raises KafkaException when it cannot be had of one of them."""
        self._admin.list_topics(self._topic, timeout=REQUEST_TIMEOUT_SECONDS)  # makes the client know new partitions
        missing = [TopicPartition(self._topic, number) for number in numbers if number not in self.known]
        firsts = self._admin.list_offsets(dict.fromkeys(missing, EARLIEST), request_timeout=REQUEST_TIMEOUT_SECONDS)
        lasts = self._admin.list_offsets(dict.fromkeys(missing, LATEST), request_timeout=REQUEST_TIMEOUT_SECONDS)
        refused = None
        for partition in missing:
            try:
                ends = firsts[partition].result().offset, lasts[partition].result().offset
                self.known[partition.partition] = ends
            except KafkaException as without:
                refused = without
        if refused is not None:
            raise refused
