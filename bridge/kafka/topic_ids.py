"""Requests a topic's id, which changes when the topic is deleted and recreated and earlier offsets become invalid."""

from concurrent.futures import Future
from functools import cached_property
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

REQUEST_TIMEOUT_SECONDS: Final = 10.0

NO_TOPIC_ID: Final = ""
"""The id when the broker does not support topic ids, such as librdkafka's mock broker. Commits are not compared
then."""

MOCK_CLUSTER_PREFIX: Final = "mockCluster"
"""How the cluster id of librdkafka's mock broker starts. That broker names a controller that does not exist, so a
request for a topic's id would only time out."""

_UNSUPPORTED_ERRORS: Final = (KafkaError._UNSUPPORTED_FEATURE, KafkaError.UNSUPPORTED_VERSION)  # noqa: SLF001


class TopicIds:
    """Requests the id of one topic."""

    def __init__(self, admin: AdminClient, topic: str) -> None:
        self._admin = admin
        self._topic = topic

    def request(self, timeout: float = REQUEST_TIMEOUT_SECONDS) -> "Future[Any]":
        """Send the request, which is answered or fails within `timeout` seconds; `await_topic_id` reads the answer.

        Raises KafkaException when Kafka is unavailable and the client does not know the cluster yet.
        """
        if self._are_supported:
            futures = self._admin.describe_topics(TopicCollection([self._topic]), request_timeout=timeout)
            return futures[self._topic]
        no_description: Future[Any] = Future()
        no_description.set_result(None)
        return no_description

    @cached_property
    def _are_supported(self) -> bool:
        cluster_id = self._admin.list_topics(self._topic, timeout=REQUEST_TIMEOUT_SECONDS).cluster_id
        return not str(cluster_id).startswith(MOCK_CLUSTER_PREFIX)


def await_topic_id(request: "Future[Any]") -> str:
    """Wait for the answer and return the topic's id. Raises KafkaException when Kafka is unavailable."""
    try:
        description = request.result()
    except KafkaException as error:
        if error.args[0].code() in _UNSUPPORTED_ERRORS:
            return NO_TOPIC_ID
        raise
    return str(description.topic_id) if description else NO_TOPIC_ID
