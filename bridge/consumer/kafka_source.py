"""Kafka -> lanes: the consumer with manual commits, one lane for each assigned partition and assignment.

A commit states that everything below the frontier is terminal in PostgreSQL, so one that comes late can only be too
low.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from bridge.consumer.assignment import resolve_start_offsets
from bridge.consumer.idle_warning import IDLE_WARNING, IdleWarning
from bridge.consumer.lane import Lane
from bridge.consumer.partition import NOT_COMMITTED, AssignedPartition
from bridge.kafka.config import client_config, is_fatal, poll_batch, reader_config
from bridge.kafka.corrupt_batches import CORRUPT_BATCH_ERRORS, PARTITION_ERRORS
from bridge.kafka.retry import retry_transient
from bridge.kafka.topic_ids import NO_TOPIC_ID, TopicIds, await_topic_id
from bridge.kafka.watermarks import Watermarks
from bridge.records.decode import decode_message
from bridge.records.parse import corrupt_record
from bridge.records.types import InvalidRecord
from contracts.dead_letters import corrupt_origin
from contracts.settings import Settings

log = logging.getLogger(__name__)

REQUEST_TIMEOUT_SECONDS: Final = 10.0
CLOSING_REQUEST_TIMEOUT_SECONDS: Final = 4.0
"""For a bridge that leaves: with ANSWER_MS for the commit it stays well within the 30 s that it is given to end."""

CLOSE_TIMEOUT_SECONDS: Final = 20.0
"""For all of leaving. librdkafka sets no bound to it: while Kafka was away a bridge was seen that took over 30 s."""

COMMIT_INTERVAL_SECONDS: Final = 1.0
TOPIC_CHECK_INTERVAL_SECONDS: Final = 30.0
"""How often the topic's id is looked at where nothing moves. A log that was made anew and has grown to the very offset
at which a lane waits looks to it like the old one; until it grew further its records would not be read."""

SOCKET_TIMEOUT_MS: Final = 6_000
"""How long a request may take, and so the last commit of a bridge that stops while Kafka is unavailable."""

CommitCallback = Callable[[KafkaError | None, list[TopicPartition]], None]


class TopicRecreatedError(Exception):
    """Raised when the log is not the one that was committed for: start again, from the earliest record."""


class KafkaSource:
    """The work topic's partitions that the group gave to this bridge."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = settings.kafka_topic
        self._admin = AdminClient(client_config(settings, "bridge"))
        self._topic_ids = TopicIds(self._admin, self._topic)
        self._consumer = Consumer(_consumer_config(settings, self._on_commit))
        self._partitions: dict[int, AssignedPartition] = {}
        self._idle_warning = IdleWarning()
        self._commit_begun_at = 0.0
        self._request_timeout = REQUEST_TIMEOUT_SECONDS
        self._topic_id_request: Future[Any] | None = None
        self._consumer.subscribe(
            [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def lanes(self) -> Iterable[Lane]:
        """One for each assigned partition."""
        return [assigned.lane for assigned in self._partitions.values()]

    def poll(self, seconds: float) -> None:
        """Read what has come. Raises KafkaException when librdkafka is broken for good."""
        elsewhere: set[int | None] = set()
        for message in poll_batch(self._consumer, seconds):
            if message.partition() not in elsewhere and self._handle_message(message):
                elsewhere.add(message.partition())
        self._pause_and_resume()

    def commit(self, now: float) -> None:
        """Commit the frontiers that have moved, every second, without waiting for Kafka. Raises LogReplacedError."""
        if self._idle_warning.is_due(bool(self._partitions), now):
            log.warning(IDLE_WARNING)
        pause = (
            COMMIT_INTERVAL_SECONDS
            if self._with_uncommitted_progress(self._partitions)
            else TOPIC_CHECK_INTERVAL_SECONDS
        )
        if self._topic_id_request is None and now - self._commit_begun_at >= pause and self._partitions:
            self._commit_begun_at, self._topic_id_request = now, self._topic_ids.request(self._request_timeout)
        if self._topic_id_request is not None and self._topic_id_request.done():
            asked, self._topic_id_request = self._topic_id_request, None
            self._commit_offsets(self._partitions, asked, wait=False)

    def close(self) -> None:
        """Commit and leave the group; the partitions go to the others at once."""
        self._request_timeout = CLOSING_REQUEST_TIMEOUT_SECONDS
        leaving = threading.Thread(target=self._consumer.close, name="leaving", daemon=True)
        leaving.start()
        leaving.join(CLOSE_TIMEOUT_SECONDS)
        if leaving.is_alive():
            log.warning("Kafka did not let this bridge leave; its partitions go over when its session ends.")

    def _handle_message(self, message: "Message[bytes, bytes]") -> bool:
        """Whether its partition is read from another offset now: what came with it is of before, and comes again."""
        number, offset, error = message.partition() or 0, message.offset() or 0, message.error()
        assigned = self._partitions.get(number)
        if error is not None and error.code() not in PARTITION_ERRORS:
            self._log_partition_error(number, error)
        elif assigned is None:
            return False
        elif error is None and offset < assigned.lane.next:
            self._check_previous_record(assigned, number, message.leader_epoch())
        elif error is None:
            assigned.record_epoch(offset, message.leader_epoch())
            self._add_to_lane(assigned.lane, message)
        elif error.code() not in CORRUPT_BATCH_ERRORS:
            assigned.lane.advance_to(offset)
        else:
            self._skip_corrupt(assigned, number, offset, error)
            return True
        return False

    def _add_to_lane(self, lane: Lane, message: "Message[bytes, bytes]") -> None:
        read = decode_message(self._topic, message)
        if isinstance(read, InvalidRecord):
            lane.add_invalid(read.record, read.reason)
        else:
            lane.add_record(read)

    def _check_previous_record(self, assigned: AssignedPartition, number: int, epoch: int | None) -> None:
        """The record before the commit was done long ago, unless it is another one. Raises LogReplacedError."""
        if assigned.log_was_replaced(epoch):
            self._forget(number)
            lost = f"ALARM: partition {number} lost records below its commit and has others in their place"
            raise TopicRecreatedError(f"{lost}; it is read from its earliest record")

    def _skip_corrupt(self, assigned: AssignedPartition, number: int, first_offset: int, error: KafkaError) -> None:
        """Ask again for a batch that cannot be decoded; when it stays so, bury the record that is next, without it."""
        if assigned.checks_previous_record:  # what cannot be decoded stands before the lane's first
            assigned.checks_previous_record = False
            self._consumer.seek(TopicPartition(self._topic, number, assigned.lane.next))
            return
        skip = assigned.corrupt_batches.skip(first_offset, assigned.lane.next)
        self._consumer.seek(TopicPartition(self._topic, number, skip.seek_to))
        if skip.skipped is not None:
            log.error("ALARM: partition %d offset %d cannot be decoded: %s", number, skip.skipped, error.str())
            invalid = corrupt_record(corrupt_origin(self._topic, number, skip.skipped, assigned.topic_id), error.str())
            assigned.lane.add_invalid(invalid.record, invalid.reason)

    def _log_partition_error(self, number: int, error: KafkaError) -> None:
        if is_fatal(error):
            log.error("Kafka's consumer gave up, starting again: %s", error.str())
            raise KafkaException(error)
        if error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001  librdkafka's own name
            log.error("ALARM: Kafka lost the place of partition %d, starting again: %s", number, error)
            self._forget(number)
            raise KafkaException(error)
        log.warning("Kafka: %s", error)

    def _forget(self, number: int) -> None:
        """Commit the earliest offset in place of the one that was lost: until somebody begins with it, the log may have
        grown up to it. It is the offset of the log that is there now, which may be another than was assigned; its id is
        asked for first, so that an offset never goes by the name of a log that came after it."""
        if self._partitions.pop(number, None) is None:
            return
        try:
            present = await_topic_id(self._topic_ids.request(self._request_timeout))
            watermarks = Watermarks(self._admin, self._topic)
            retry_transient(lambda: watermarks.fetch([number]), self._request_timeout)
            low, _ = watermarks.known[number]
            earliest = TopicPartition(self._topic, number, low, present)
            self._consumer.commit(offsets=[earliest], asynchronous=False)
        except KafkaException as refused:
            log.warning("What was committed of partition %d could not be taken back: %s", number, refused)

    def _pause_and_resume(self) -> None:
        """Back-pressure: a full lane's partition rests until the lane has room."""
        for number, assigned in self._partitions.items():
            if not assigned.paused and assigned.lane.is_full:
                self._consumer.pause([TopicPartition(self._topic, number)])
                assigned.paused = True
            elif assigned.paused and assigned.lane.has_room:
                self._consumer.resume([TopicPartition(self._topic, number)])
                assigned.paused = False

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            self._take_over(consumer, partitions)
        except KafkaException as refused:
            # Raised anew: librdkafka's own one, passing through a callback as it is, nobody can catch (Python 3.11).
            raise KafkaException(refused.args[0]) from None

    def _take_over(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        known_as, starts = resolve_start_offsets(
            consumer, self._admin, self._topic_ids, partitions, self._request_timeout
        )
        for number, start in starts.items():
            if start.alarm:
                log.error("ALARM: partition %d: %s", number, start.alarm)
            self._partitions[number] = AssignedPartition.at(start, known_as, self._settings.lease_seconds)
        consumer.incremental_assign(
            [TopicPartition(self._topic, number, start.read_from) for number, start in starts.items()]
        )
        # librdkafka remembers a pause over revoke and assign: a partition that comes back would rest for ever.
        consumer.resume([TopicPartition(self._topic, number) for number in starts])
        log.info("Assigned: %s", {number: start.offset for number, start in starts.items()})

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """The last word about these partitions: committed before anybody else reads them."""
        leaving = {
            partition.partition: self._partitions.pop(partition.partition)
            for partition in partitions
            if partition.partition in self._partitions
        }
        try:
            self._commit_offsets(
                self._with_uncommitted_progress(leaving), self._topic_ids.request(self._request_timeout), wait=True
            )
        except TopicRecreatedError as replaced:
            log.warning("Nothing is committed on leaving: %s", replaced)
        consumer.incremental_unassign(partitions)
        log.info("Revoked: %s", sorted(leaving))

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Somebody else has them already: nothing is committed, and what is under way goes on by PostgreSQL's word."""
        for partition in partitions:
            self._partitions.pop(partition.partition, None)
        consumer.incremental_unassign(partitions)
        log.warning("Lost: %s", sorted(partition.partition for partition in partitions))

    def _with_uncommitted_progress(self, partitions: dict[int, AssignedPartition]) -> dict[int, AssignedPartition]:
        return {number: assigned for number, assigned in partitions.items() if assigned.has_uncommitted_progress}

    def _commit_offsets(self, partitions: dict[int, AssignedPartition], asked: "Future[Any]", *, wait: bool) -> None:
        """Commit facts. A commit that fails is made again with the next one. Raises LogReplacedError."""
        try:
            self._check_topic_id(partitions, asked)
            if not (moved := self._with_uncommitted_progress(partitions)):
                return
            offsets = [assigned.to_commit(self._topic, number) for number, assigned in moved.items()]
            if wait:
                self._consumer.commit(offsets=offsets, asynchronous=False)
            else:
                self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as refused:
            log.warning("The frontier was not committed, it will be again: %s", refused)
            return
        for assigned in moved.values():
            assigned.committed = assigned.lane.frontier

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            refused = error or partition.error
            if refused and partition.partition in self._partitions:
                log.warning("A commit was refused and will be made again: %s", refused)
                self._partitions[partition.partition].committed = NOT_COMMITTED

    def _check_topic_id(self, partitions: dict[int, AssignedPartition], asked: "Future[Any]") -> None:
        known = {assigned.topic_id for assigned in partitions.values()} - {NO_TOPIC_ID}
        if known and known != {await_topic_id(asked)}:
            raise TopicRecreatedError(
                f"ALARM: the topic {self._topic} was made anew; its records are read from the start"
            )


def _consumer_config(settings: Settings, on_commit: CommitCallback) -> dict[str, Any]:
    protocol: dict[str, Any] = {"group.protocol": settings.kafka_group_protocol}
    if settings.kafka_group_protocol == "classic":
        protocol |= {"partition.assignment.strategy": "cooperative-sticky", "session.timeout.ms": 6000}
    return {
        **reader_config(settings, "bridge"),
        **protocol,
        "auto.offset.reset": "error",
        "socket.timeout.ms": SOCKET_TIMEOUT_MS,
        "on_commit": on_commit,
    }
