"""The work topic: what became of each record's thought, what was committed, and which thought nothing rings for."""

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
from bridge.records.types import InvalidRecord
from contracts.audits import DONE_STATES
from contracts.dead_letters import corrupt_origin, record_failure_id
from contracts.settings import Settings

Turns = dict[UUID, int]


class WorkTopicCheck:
    """Kept from one look to the next, it goes on behind what was done."""

    def __init__(self, settings: Settings, facts: AuditQueries, log: TopicReader) -> None:
        self._topic = settings.kafka_topic
        self._facts = facts
        self._log = log
        self._accounts = RecordCounts()

    def run(self, found: AuditSnapshot) -> set[UUID]:
        """Count and compare; returns the users whose records were read."""
        newest, rings = self._facts.newest_open(), self._facts.outbox_turns()
        positions = self._log.partition_offsets(self._topic)
        known_as = positions[0].topic_id if positions else NO_TOPIC_ID
        touched: set[UUID] = set()
        for messages in self._log.records(self._topic, self._accounts.begin(positions)):
            rungs = [_record_ref(self._topic, known_as, message) for message in messages]
            verdicts = self._facts.record_states(rungs)
            touched |= {rung.user_id for rung in rungs if rung.user_id}
            self._count(rungs, verdicts, {one.partition: one for one in positions}, rings, found)
        for position in positions:
            self._accounts[position.partition].end(position.readable, position.high)
            found.partitions.append(self._accounts[position.partition].figures(position))
            found.findings += findings.commit(position)
        found.numbers["open_users"] = len(newest)
        self._find_without_record(newest, rings, found)
        return touched

    def _count(
        self,
        rungs: Sequence[RecordRef],
        verdicts: Sequence[RecordState],
        positions: dict[int, PartitionOffsets],
        rings: Turns,
        found: AuditSnapshot,
    ) -> None:
        for rung, verdict in zip(rungs, verdicts, strict=True):
            self._accounts[rung.partition].add(rung.offset, verdict.state)
            if verdict.state in DONE_STATES:
                continue
            done_below = positions[rung.partition].committed_below
            if rung.offset < done_below:
                found.findings.append(_frontier_finding(rung, done_below, verdict))
            elif rung.user_id and verdict.turn:
                rings[rung.user_id] = max(rings.get(rung.user_id, 0), verdict.turn)

    def _find_without_record(self, newest: Turns, rings: Turns, found: AuditSnapshot) -> None:
        """A record rings for its turn and all before it, so the newest one of each user is enough."""
        silent = {user: turn for user, turn in newest.items() if turn > rings.get(user, 0)}
        for row in self._facts.without_record(silent) if silent else []:
            found.numbers["unrung_users"] += 1
            found.findings += findings.without_record(str(row.id), row.overdue)


def _record_ref(topic: str, known_as: str, message: TopicItem) -> RecordRef:
    if isinstance(message, CorruptRecord):
        where = corrupt_origin(topic, message.partition, message.offset, known_as)
        return RecordRef(message.partition, message.offset, None, None, None, record_failure_id(where, None))
    read = decode_message(topic, message)
    record = read.record if isinstance(read, InvalidRecord) else read
    failure = record_failure_id(record.origin or {}, message.value())
    if isinstance(read, InvalidRecord):
        return RecordRef(message.partition() or 0, record.offset, None, None, None, failure)
    return RecordRef(message.partition() or 0, record.offset, record.thought_id, record.user_id, record.turn, failure)


def _frontier_finding(rung: RecordRef, done_below: int, verdict: RecordState) -> findings.Finding:
    thought = str(rung.thought_id) if rung.thought_id else "none, it is unreadable"
    return findings.frontier(rung.partition, rung.offset, done_below, thought, verdict.state)
