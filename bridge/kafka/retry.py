"""What Kafka answers for a moment while it gives a partition its leader or a group its coordinator: ask again."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from confluent_kafka import KafkaError, KafkaException

T = TypeVar("T")

TRANSIENT_ERRORS: Final = frozenset(
    {
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001  librdkafka's own name, of a partition that was just made
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
    }
)

RETRY_DELAY_SECONDS: Final = 0.2


def retry_transient(request: Callable[[], T], timeout: float) -> T:
    """The answer. Raises KafkaException: at once for another error, after so many seconds for one of these."""
    until = time.monotonic() + timeout
    while True:
        try:
            return request()
        except KafkaException as refused:
            if refused.args[0].code() not in TRANSIENT_ERRORS or time.monotonic() > until:
                raise
            time.sleep(RETRY_DELAY_SECONDS)
