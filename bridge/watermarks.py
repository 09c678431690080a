"""The ends of a partition's log, asked for by a client that is no consumer."""

import time
from typing import Final

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

ANSWER_SECONDS: Final = 10.0
AGAIN_SECONDS: Final = 0.2

FIRST: Final = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
LAST: Final = OffsetSpec.latest()  # type: ignore[no-untyped-call]

NOT_YET: Final = frozenset(
    {
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001  librdkafka's own name
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
    }
)
"""What is answered of a partition that was made a moment ago."""


def watermarks(admin: AdminClient, partition: TopicPartition) -> tuple[int, int]:
    """The first offset, and the one behind the last. Waits for a new partition; raises KafkaException."""
    until = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            admin.list_topics(partition.topic, timeout=ANSWER_SECONDS)  # makes the client know new partitions
            return _end(admin, partition, FIRST), _end(admin, partition, LAST)
        except KafkaException as refused:
            if refused.args[0].code() not in NOT_YET or time.monotonic() > until:
                raise
            time.sleep(AGAIN_SECONDS)


def _end(admin: AdminClient, partition: TopicPartition, which: OffsetSpec) -> int:
    place = TopicPartition(partition.topic, partition.partition)
    (asked,) = admin.list_offsets({place: which}, request_timeout=ANSWER_SECONDS).values()
    return int(asked.result().offset)
