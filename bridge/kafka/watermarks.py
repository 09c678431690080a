"""Fetches the watermarks of partitions with an admin client.

A consumer would not do: inside a callback it does not refresh its metadata for partitions created after it started.
"""

from collections.abc import Collection
from typing import Final

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

REQUEST_TIMEOUT_SECONDS: Final = 2.0

EARLIEST: Final = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
LATEST: Final = OffsetSpec.latest()  # type: ignore[no-untyped-call]


class Watermarks:
    """The watermarks of one topic's partitions.

    `by_partition` maps each fetched partition to its first offset and the offset after its last record. A partition
    without a leader is missing.
    """

    def __init__(self, admin: AdminClient, topic: str) -> None:
        self._admin = admin
        self._topic = topic
        self.by_partition: dict[int, tuple[int, int]] = {}

    def fetch(self, numbers: Collection[int]) -> None:
        """Fetch the watermarks that are still missing for these partitions.

        Raises KafkaException when a partition's watermarks are unavailable; those of the others are kept.
        """
        self._admin.list_topics(self._topic, timeout=REQUEST_TIMEOUT_SECONDS)  # makes the client know new partitions
        missing = [TopicPartition(self._topic, number) for number in numbers if number not in self.by_partition]
        firsts = self._admin.list_offsets(dict.fromkeys(missing, EARLIEST), request_timeout=REQUEST_TIMEOUT_SECONDS)
        lasts = self._admin.list_offsets(dict.fromkeys(missing, LATEST), request_timeout=REQUEST_TIMEOUT_SECONDS)
        last_error = None
        for partition in missing:
            try:
                ends = firsts[partition].result().offset, lasts[partition].result().offset
                self.by_partition[partition.partition] = ends
            except KafkaException as error:
                last_error = error
        if last_error is not None:
            raise last_error
