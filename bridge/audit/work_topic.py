"""Checks the work topic: the state of each record's thought, the committed offsets, open thoughts without a record."""

from collections.abc import Sequence
from uuid import UUID

from bridge.audit import findings
from bridge.audit.queries import AuditQueries, RecordRef, RecordState
from bridge.audit.record_counts import RecordCounts
from bridge.audit.snapshot import AuditSnapshot
from bridge.kafka.corrupt_batches import CorruptRecord
from bridge.kafka.start_offset import PartitionOffsets
from bridge.kafka.topic_ids import NO_TOPIC_ID
from bridge.kafka.topic_reader import TopicItem, TopicReader
from bridge.records.decode import decode_message
from bridge.records.types import ForeignRecord, InvalidRecord
from contracts.audits import DONE_STATES
from contracts.dead_letters import corrupt_origin, record_failure_id
from contracts.settings import Settings

Turns = dict[UUID, int]
"""User -> turn."""


class WorkTopicCheck:
    """Checks the work topic. It is kept between audits and then reads only records that were not done."""

    def __init__(self, settings: Settings, queries: AuditQueries, reader: TopicReader) -> None:
        self._topic = settings.kafka_topic
        self._queries = queries
        self._reader = reader
        self._counts = RecordCounts()

    def run(self, snapshot: AuditSnapshot) -> set[UUID]:
        """Count the records, report inconsistencies, and return the users whose records were read.

        Raises SQLAlchemyError when PostgreSQL is unavailable, KafkaException when Kafka is.
        """
        own_id = self._queries.installation_id()
        newest_open, announced = self._queries.newest_open(), self._queries.outbox_turns()
        positions = self._reader.partition_offsets(self._topic)
        topic_id = positions[0].topic_id if positions else NO_TOPIC_ID
        users_read: set[UUID] = set()
        for messages in self._reader.records(self._topic, self._counts.start_pass(positions)):
            records = [_record_ref(self._topic, topic_id, message, own_id) for message in messages]
            states = self._queries.record_states(records)
            users_read |= {record.user_id for record in records if record.user_id}
            self._count(records, states, {position.partition: position for position in positions}, announced, snapshot)
        for position in positions:
            self._counts[position.partition].end_pass(position.readable, position.high)
            snapshot.partitions.append(self._counts[position.partition].figures(position))
            snapshot.findings += findings.commit(position)
        snapshot.numbers["open_users"] = len(newest_open)
        self._find_without_record(newest_open, announced, snapshot)
        return users_read

    def _count(
        self,
        records: Sequence[RecordRef],
        states: Sequence[RecordState],
        positions: dict[int, PartitionOffsets],
        announced: Turns,
        snapshot: AuditSnapshot,
    ) -> None:
        """Count records by state, and raise `announced` to the newest turn for which a bridge will read a record."""
        for record, now in zip(records, states, strict=True):
            self._counts[record.partition].add(record.offset, now.state)
            if now.state in DONE_STATES:
                continue
            done_below = positions[record.partition].committed_below
            if record.offset < done_below:
                snapshot.findings.append(_frontier_finding(record, done_below, now.state))
            elif record.user_id and now.turn:
                announced[record.user_id] = max(announced.get(record.user_id, 0), now.turn)

    def _find_without_record(self, newest_open: Turns, announced: Turns, snapshot: AuditSnapshot) -> None:
        """Report users whose newest open thought has no record or outbox row.

        A record makes a bridge process the line up to its turn, so the newest thought of each user is enough.
        """
        without_record = {user: turn for user, turn in newest_open.items() if turn > announced.get(user, 0)}
        for row in self._queries.without_record(without_record) if without_record else []:
            snapshot.numbers["users_without_record"] += 1
            snapshot.findings += findings.without_record(str(row.id), row.overdue)


def _record_ref(topic: str, topic_id: str, message: TopicItem, own_id: str) -> RecordRef:
    if isinstance(message, CorruptRecord):
        origin = corrupt_origin(topic, message.partition, message.offset, topic_id)
        return RecordRef(message.partition, message.offset, None, None, None, record_failure_id(origin, None))
    decoded = decode_message(topic, message, own_id)
    if isinstance(decoded, ForeignRecord):
        return RecordRef(message.partition() or 0, decoded.offset, None, None, None, "", is_foreign=True)
    record = decoded.record if isinstance(decoded, InvalidRecord) else decoded
    failure_id = record_failure_id(record.origin or {}, message.value())
    if isinstance(decoded, InvalidRecord):
        return RecordRef(message.partition() or 0, record.offset, None, None, None, failure_id)
    return RecordRef(
        message.partition() or 0, record.offset, record.thought_id, record.user_id, record.turn, failure_id
    )


def _frontier_finding(record: RecordRef, done_below: int, state: str) -> findings.Finding:
    thought = str(record.thought_id) if record.thought_id else None
    return findings.frontier(record.partition, record.offset, done_below, thought, state)
