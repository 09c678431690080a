"""Retries transient errors while Kafka elects a partition's leader or a group's coordinator."""

from collections.abc import Callable
from itertools import repeat
from typing import Final, TypeVar

from confluent_kafka import KafkaError, KafkaException

from contracts.retry import retry

T = TypeVar("T")

TRANSIENT_ERRORS: Final = frozenset(
    {
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001  librdkafka's own name, for a newly created partition
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
    }
)

RETRY_DELAY_SECONDS: Final = 0.2
"""The pause before each further attempt."""


def retry_transient(request: Callable[[], T], timeout: float) -> T:
    """Return what the request returns, retrying it after TRANSIENT_ERRORS for at most `timeout` seconds.

    Raises KafkaException: at once for any other error, and for a transient one when the timeout has passed.
    """
    return retry(
        request,
        errors=KafkaException,
        is_transient=lambda error: error.args[0].code() in TRANSIENT_ERRORS,
        delays=repeat(RETRY_DELAY_SECONDS),
        timeout=timeout,
    )
