"""Commits the frontiers of assigned partitions to Kafka.

Each commit takes two steps: the topic's id is requested, and when it is still the id of the assignment, the offsets are
sent. An offset is therefore never committed for a topic that was recreated meanwhile.
"""

import logging
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from bridge.consumer.partition import NOT_COMMITTED, AssignedPartition
from bridge.kafka.retry import retry_transient
from bridge.kafka.topic_ids import NO_TOPIC_ID, TopicIds, await_topic_id
from bridge.kafka.trouble import client_trouble
from bridge.kafka.watermarks import Watermarks
from contracts.trouble_log import log_trouble

log = logging.getLogger(__name__)

COMMIT_INTERVAL_SECONDS: Final = 1.0
"""Interval between commits while frontiers move."""

TOPIC_CHECK_INTERVAL_SECONDS: Final = 30.0
"""How often the topic's id is checked while no frontier moves. When a recreated log has grown exactly to the offset at
which a lane waits, reading reports no error, and the log's records would not be read until it grows further."""

Partitions = dict[int, AssignedPartition]
"""Partition -> its state."""


class LogReplacedError(Exception):
    """Raised when the log is not the one that was committed for: the topic was recreated, or its log lost records below
    the commit. The process must start again, from the earliest record."""


class Committer:
    """Commits for one topic. A failed commit is repeated with the next one."""

    def __init__(self, admin: AdminClient, topic: str, topic_ids: TopicIds) -> None:
        self._admin = admin
        self._topic = topic
        self._topic_ids = topic_ids
        self._started_at = 0.0
        self._topic_id_request: Future[Any] | None = None

    def commit_when_due(self, consumer: Consumer, partitions: Partitions, now: float, timeout: float) -> None:
        """Start a commit once a second, or send the offsets of the one in progress, without waiting for Kafka.

        `timeout` limits the request in seconds. Raises LogReplacedError when the topic was recreated.
        """
        interval = COMMIT_INTERVAL_SECONDS if _uncommitted(partitions) else TOPIC_CHECK_INTERVAL_SECONDS
        if self._topic_id_request is None and now - self._started_at >= interval and partitions:
            self._started_at, self._topic_id_request = now, self._topic_ids.request(timeout)
        if self._topic_id_request is not None and self._topic_id_request.done():
            request, self._topic_id_request = self._topic_id_request, None
            self._commit(consumer, partitions, request, wait=False)

    def commit_revoked(self, consumer: Consumer, revoked: Partitions, timeout: float) -> None:
        """Commit and wait for Kafka's answer, because the next consumer starts at these offsets.

        `timeout` limits the request for the topic's id. Raises LogReplacedError when the topic was recreated.
        """
        self._commit(consumer, _uncommitted(revoked), self._topic_ids.request(timeout), wait=True)

    def reset(self, consumer: Consumer, number: int, timeout: float) -> None:
        """Commit the earliest offset of a partition in place of a commit that does not fit the log.

        Otherwise the log could grow up to that commit before the next consumer starts, which would then skip records.
        The earliest offset is that of the log that exists now, which may be another log than at the assignment. The
        topic's id is requested before the offset, so an offset is never committed under the id of a later log.
        """
        try:
            topic_id = await_topic_id(self._topic_ids.request(timeout))
            watermarks = Watermarks(self._admin, self._topic)
            retry_transient(lambda: watermarks.fetch([number]), timeout)
            low, _ = watermarks.by_partition[number]
            earliest = TopicPartition(self._topic, number, low, topic_id)
            consumer.commit(offsets=[earliest], asynchronous=False)
        except KafkaException as error:
            log_trouble(log, client_trouble(error.args[0]), f"the wrong commit of partition {number} stays")

    def _commit(
        self, consumer: Consumer, partitions: Partitions, topic_id_request: "Future[Any]", *, wait: bool
    ) -> None:
        try:
            self._check_topic_id(partitions, topic_id_request)
            if not (uncommitted := _uncommitted(partitions)):
                return
            offsets = [assigned.to_commit(self._topic, number) for number, assigned in uncommitted.items()]
            if wait:
                consumer.commit(offsets=offsets, asynchronous=False)
            else:
                consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            log_trouble(log, client_trouble(error.args[0]), "the frontiers are committed later")
            return
        for assigned in uncommitted.values():
            assigned.committed = assigned.lane.frontier

    def _check_topic_id(self, partitions: Partitions, topic_id_request: "Future[Any]") -> None:
        assigned_ids = {assigned.topic_id for assigned in partitions.values()} - {NO_TOPIC_ID}
        if assigned_ids and assigned_ids != {await_topic_id(topic_id_request)}:
            raise LogReplacedError(f"the topic {self._topic} was recreated; it is read from its earliest record")


def note_results(partitions: Partitions, error: KafkaError | None, results: Iterable[TopicPartition]) -> None:
    """Note Kafka's answer to a commit that nobody waited for: a partition whose commit failed is committed again."""
    for result in results:
        failure = error or result.error
        if failure and result.partition in partitions:
            log.warning("Kafka rejected a commit, it is repeated: %s", failure)
            partitions[result.partition].committed = NOT_COMMITTED


def _uncommitted(partitions: Partitions) -> Partitions:
    return {number: assigned for number, assigned in partitions.items() if assigned.has_uncommitted_progress}
