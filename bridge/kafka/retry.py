"""What Kafka answers for a moment while it gives a partition its leader or a group its coordinator: ask again."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from confluent_kafka import KafkaError, KafkaException

T = TypeVar("T")

FOR_A_MOMENT: Final = frozenset(
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

AGAIN_SECONDS: Final = 0.2


def until_answered(ask: Callable[[], T], seconds: float) -> T:
    """The answer. Raises KafkaException: at once for another error, after so many seconds for one of these."""
    until = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except KafkaException as refused:
            if refused.args[0].code() not in FOR_A_MOMENT or time.monotonic() > until:
                raise
            time.sleep(AGAIN_SECONDS)
