"""A topic's id: it changes when the topic is deleted and made anew, and then no offset of before means anything."""

from concurrent.futures import Future
from functools import cached_property
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

REQUEST_TIMEOUT_SECONDS: Final = 10.0

NO_TOPIC_ID: Final = ""
"""A broker that tells no topic ids (librdkafka's own one): commits are not compared."""

MOCK_CLUSTER_PREFIX: Final = "mockCluster"
"""What the cluster id of librdkafka's own broker begins with. It names a controller that is not there, so that asking
it for a topic's id would only time out."""

_UNSUPPORTED_ERRORS: Final = (KafkaError._UNSUPPORTED_FEATURE, KafkaError.UNSUPPORTED_VERSION)  # noqa: SLF001


class TopicIds:
    """Asks for the id of one topic."""

    def __init__(self, admin: AdminClient, topic: str) -> None:
        self._admin = admin
        self._topic = topic

    def request(self, timeout: float = REQUEST_TIMEOUT_SECONDS) -> "Future[Any]":
        """`topic_id` reads the answer, which comes within so many seconds or not at all."""
        if self._are_supported:
            asked = self._admin.describe_topics(TopicCollection([self._topic]), request_timeout=timeout)
            return asked[self._topic]
        nothing: Future[Any] = Future()
        nothing.set_result(None)
        return nothing

    @cached_property
    def _are_supported(self) -> bool:
        cluster = self._admin.list_topics(self._topic, timeout=REQUEST_TIMEOUT_SECONDS).cluster_id
        return not str(cluster).startswith(MOCK_CLUSTER_PREFIX)


def await_topic_id(asked: "Future[Any]") -> str:
    """The answer, waited for. Raises KafkaException when Kafka is unavailable."""
    try:
        described = asked.result()
    except KafkaException as refused:
        if refused.args[0].code() in _UNSUPPORTED_ERRORS:
            return NO_TOPIC_ID
        raise
    return str(described.topic_id) if described else NO_TOPIC_ID
