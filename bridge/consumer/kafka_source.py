"""Kafka -> lanes: consumes the work topic in a consumer group, with one lane for each assigned partition.

- **Assignment**: each partition gets a new lane, which starts at the committed offset, or at the earliest record when
  the commit is missing or does not fit the log. In the second case a line that starts with ALARM is logged.
- **Reading**: records go to the lanes. A partition whose lane is full is paused, and resumed when a fifth of the lane's
  window is free. A record batch that Kafka's client cannot decode is requested again, and then skipped record by
  record, each as a dead letter.
- **Commit**: every second the lanes' frontiers are committed, each with the topic's id and a leader epoch
  (`committer.py`). A commit states that everything below the frontier is terminal in PostgreSQL. That stays true, so a
  commit that arrives late, or from an earlier owner of the partition, can only be too low: records are read again.
- **Records of another installation** that shares the topic are skipped: its own group reads them.
- **Revocation**: the frontier is committed before the next consumer reads the partition, and the lane is dropped. Work
  in progress goes on, because workers need only PostgreSQL; the next owner finds it there.
- **Another log**: when the topic was recreated, or the log lost records below the commit, LogReplacedError ends the
  process, and the next one reads from the earliest record.
"""

import logging
import threading
from collections.abc import Iterable
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from bridge.consumer.assignment import resolve_start_offsets
from bridge.consumer.committer import Committer, LogReplacedError, note_results
from bridge.consumer.consumer_config import consumer_config
from bridge.consumer.group_watch import GroupWatch, client_id
from bridge.consumer.idle_warning import IDLE_WARNING, IdleWarning
from bridge.consumer.lane import Lane
from bridge.consumer.partition import AssignedPartition
from bridge.kafka.config import client_config, is_fatal, poll_batch
from bridge.kafka.corrupt_batches import CORRUPT_BATCH_ERRORS, PARTITION_ERRORS
from bridge.kafka.topic_ids import TopicIds
from bridge.kafka.trouble import client_trouble
from bridge.records.decode import decode_message
from bridge.records.parse import corrupt_record
from bridge.records.types import ForeignRecord, InvalidRecord
from contracts.dead_letters import corrupt_origin
from contracts.foreign_items import ForeignItemLog
from contracts.settings import Settings
from contracts.trouble_log import log_trouble

log = logging.getLogger(__name__)

REQUEST_TIMEOUT_SECONDS: Final = 10.0
"""How long to wait for a topic's id, commits and watermarks."""

CLOSING_REQUEST_TIMEOUT_SECONDS: Final = 4.0
"""The same for a bridge that stops: together with SOCKET_TIMEOUT_MS for the commit this is well below the 30 s that it
is given to stop."""

CLOSE_TIMEOUT_SECONDS: Final = 20.0
"""How long leaving the group may take in all. librdkafka sets no limit: while Kafka was unavailable, one bridge took
over 30 s."""

FOREIGN_RECORDS: Final = (
    "ALARM: another installation writes to the topic of this one: %d records so far, the last one of %s. They are "
    "skipped here, because that installation reads them itself; give each installation its own KAFKA_TOPIC, "
    "KAFKA_DEAD_LETTER_TOPIC and KAFKA_EVENTS_TOPIC."
)


class KafkaSource:
    """Feeds the lanes of the work topic's partitions that the group has assigned to this bridge."""

    def __init__(self, settings: Settings, installation_id: str = "") -> None:
        """Without an `installation_id`, other installations in the topic and in the group are not noticed.

        Raises SharedGroupError when another installation has bridges in the consumer group.
        """
        self._settings = settings
        self._topic = settings.kafka_topic
        self._installation_id = installation_id
        self._foreign = ForeignItemLog(FOREIGN_RECORDS)
        self._admin = AdminClient(client_config(settings, client_id(installation_id)))
        self._group_watch = GroupWatch(self._admin, settings.kafka_consumer_group, installation_id)
        if installation_id:
            self._group_watch.require_own()
        self._topic_ids = TopicIds(self._admin, self._topic)
        self._committer = Committer(self._admin, self._topic, self._topic_ids)
        self._consumer = Consumer(consumer_config(settings, installation_id, self._on_commit))
        self._partitions: dict[int, AssignedPartition] = {}
        self._idle_warning = IdleWarning()
        self._request_timeout = REQUEST_TIMEOUT_SECONDS
        self._consumer.subscribe(
            [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def lanes(self) -> Iterable[Lane]:
        """Return one lane for each assigned partition."""
        return [assigned.lane for assigned in self._partitions.values()]

    def poll(self, seconds: float) -> None:
        """Wait at most `seconds` for messages, handle them, and pause or resume partitions.

        Assignments, revocations and the results of commits are also handled in here, in librdkafka's callbacks.
        After a seek, the remaining messages of that partition are ignored: they will arrive again.

        Raises KafkaException when the client is permanently broken or Kafka lost the log's position, and
        LogReplacedError when the log has other records below the commit.
        """
        sought: set[int | None] = set()
        for message in poll_batch(self._consumer, seconds):
            if message.partition() not in sought and self._handle_message(message):
                sought.add(message.partition())
        self._pause_and_resume()
        self._note_unread()

    def commit(self, now: float) -> None:
        """Commit the frontiers that have moved, once a second, without waiting for Kafka.

        Raises LogReplacedError when the topic was recreated, SharedGroupError when another installation stays in the
        group.
        """
        if self._installation_id:
            self._group_watch.check_when_due(now)
        if self._idle_warning.update(bool(self._partitions), now):
            log.warning(IDLE_WARNING)
        self._committer.commit_when_due(self._consumer, self._partitions, now, self._request_timeout)

    def close(self) -> None:
        """Commit and leave the group, so that its other members get the partitions at once."""
        self._request_timeout = CLOSING_REQUEST_TIMEOUT_SECONDS
        closing = threading.Thread(target=self._consumer.close, name="kafka-close", daemon=True)
        closing.start()
        closing.join(CLOSE_TIMEOUT_SECONDS)
        if closing.is_alive():
            log.warning("Kafka is unavailable, this bridge's partitions are reassigned when its session times out.")

    def _handle_message(self, message: "Message[bytes, bytes]") -> bool:
        """Add the message to its lane, or handle its error. Return True after a seek."""
        number, offset, error = message.partition() or 0, message.offset() or 0, message.error()
        assigned = self._partitions.get(number)
        if error is not None and error.code() not in PARTITION_ERRORS:
            self._handle_error(number, error)
        elif assigned is None:
            return False
        elif error is None and offset < assigned.lane.next_offset:
            self._check_previous_record(assigned, number, message.leader_epoch())
        elif error is None:
            assigned.note_epoch(offset, message.leader_epoch())
            self._add_to_lane(assigned.lane, message)
        elif error.code() not in CORRUPT_BATCH_ERRORS:
            assigned.lane.advance_to(offset)
        else:
            self._skip_corrupt(assigned, number, offset, error)
            return True
        return False

    def _add_to_lane(self, lane: Lane, message: "Message[bytes, bytes]") -> None:
        read = decode_message(self._topic, message, self._installation_id)
        if isinstance(read, ForeignRecord):
            self._foreign.add(read.sender)
            lane.advance_to(read.offset + 1)
        elif isinstance(read, InvalidRecord):
            lane.add_invalid(read.record, read.message)
        else:
            lane.add_record(read)

    def _check_previous_record(self, assigned: AssignedPartition, number: int, epoch: int | None) -> None:
        """Check that the record before the commit is still the one that was processed. It is not processed again.

        Raises LogReplacedError when it is another one.
        """
        if assigned.finish_previous_record_check(epoch):
            self._drop_and_reset_commit(number)
            raise LogReplacedError(
                f"partition {number} lost records below its commit and has others in their place; "
                "it is read from its earliest record"
            )

    def _skip_corrupt(self, assigned: AssignedPartition, number: int, first_offset: int, error: KafkaError) -> None:
        """Request a corrupt batch again; if it stays corrupt, dead-letter its next record without its bytes."""
        if assigned.checks_previous_record:  # the corrupt record lies before the lane's first one: give up the check
            assigned.checks_previous_record = False
            self._consumer.seek(TopicPartition(self._topic, number, assigned.lane.next_offset))
            return
        skip = assigned.corrupt_batches.skip(first_offset, assigned.lane.next_offset)
        self._consumer.seek(TopicPartition(self._topic, number, skip.seek_to))
        if skip.skipped is not None:
            log.error(
                "ALARM: partition %d offset %d cannot be decoded, and is dead-lettered without its bytes: %s",
                number,
                skip.skipped,
                error.str(),
            )
            invalid = corrupt_record(corrupt_origin(self._topic, number, skip.skipped, assigned.topic_id), error.str())
            assigned.lane.add_invalid(invalid.record, invalid.message)

    def _handle_error(self, number: int, error: KafkaError) -> None:
        """Raise KafkaException when the bridge must start again. Log any other error: librdkafka retries."""
        if is_fatal(error):
            log.error("Kafka's client is permanently broken, the bridge starts again: %s", error.str())
            raise KafkaException(error)
        if error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001  librdkafka's own name
            log.error(
                "ALARM: the next offset of partition %d is outside its log, the bridge starts again and reads from the "
                "earliest record: %s",
                number,
                error,
            )
            self._drop_and_reset_commit(number)
            raise KafkaException(error)
        log_trouble(log, client_trouble(error), "the client tries again")

    def _drop_and_reset_commit(self, number: int) -> None:
        """Drop the partition's lane, and replace the commit that does not fit the log."""
        if self._partitions.pop(number, None) is not None:
            self._committer.reset(self._consumer, number, self._request_timeout)

    def _pause_and_resume(self) -> None:
        """Apply back-pressure: pause the partition of a full lane, and resume it when the lane has room."""
        for number, assigned in self._partitions.items():
            if not assigned.paused and assigned.lane.is_full:
                self._consumer.pause([TopicPartition(self._topic, number)])
                assigned.paused = True
            elif assigned.paused and assigned.lane.has_room:
                self._consumer.resume([TopicPartition(self._topic, number)])
                assigned.paused = False

    def _note_unread(self) -> None:
        """Tell each lane how much its log has behind what was read, as the broker's last answers say."""
        for number, assigned in self._partitions.items():
            _, end = self._consumer.get_watermark_offsets(TopicPartition(self._topic, number), cached=True)
            assigned.lane.note_unread(max(0, end - assigned.lane.next_offset))

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            self._start_partitions(consumer, partitions)
        except KafkaException as error:
            # A new exception, because one that librdkafka raised cannot be caught outside the callback (Python 3.11).
            raise KafkaException(error.args[0]) from None

    def _start_partitions(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        topic_id, starts = resolve_start_offsets(
            consumer, self._admin, self._topic_ids, partitions, self._request_timeout
        )
        for number, start in starts.items():
            if start.alarm:
                log.error("ALARM: partition %d: %s", number, start.alarm)
            self._partitions[number] = AssignedPartition.at(start, topic_id, self._settings.lease_seconds)
        consumer.incremental_assign(
            [TopicPartition(self._topic, number, start.read_from) for number, start in starts.items()]
        )
        # librdkafka keeps a pause across revocation and assignment: a partition that returns would stay paused.
        consumer.resume([TopicPartition(self._topic, number) for number in starts])
        log.info("Partitions assigned, with their first offsets: %s", {n: start.offset for n, start in starts.items()})

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Commit the frontiers and wait for Kafka's answer, because the next consumer starts at them."""
        revoked = {
            partition.partition: self._partitions.pop(partition.partition)
            for partition in partitions
            if partition.partition in self._partitions
        }
        try:
            self._committer.commit_revoked(consumer, revoked, self._request_timeout)
        except LogReplacedError as error:
            log.warning("The revoked partitions are not committed: %s", error)
        consumer.incremental_unassign(partitions)
        log.info("Partitions revoked: %s", sorted(revoked))

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Drop the lanes without a commit, because other consumers may own the partitions already.

        Work in progress goes on: its state is in PostgreSQL.
        """
        for partition in partitions:
            self._partitions.pop(partition.partition, None)
        consumer.incremental_unassign(partitions)
        log.warning(
            "Partitions lost, another consumer may own them: %s",
            sorted(partition.partition for partition in partitions),
        )

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        note_results(self._partitions, error, partitions)
