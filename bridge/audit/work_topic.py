"""The work topic: what became of each record's thought, what was committed, and which thought nothing rings for."""

from collections.abc import Sequence
from uuid import UUID

from bridge.audit import findings
from bridge.audit.queries import Facts, Rung, Verdict
from bridge.audit.record_counts import Accounts
from bridge.audit.snapshot import Look
from bridge.kafka.corrupt_batches import Damaged
from bridge.kafka.start_offset import Position
from bridge.kafka.topic_ids import NO_TOPIC_ID
from bridge.kafka.topic_reader import Log, Stands
from bridge.records.decode import read_message
from bridge.records.parse import Unreadable
from contracts.audits import DONE
from contracts.dead_letters import damaged_origin, record_failure_id
from contracts.settings import Settings

Turns = dict[UUID, int]


class Rings:
    """Kept from one look to the next, it goes on behind what was done."""

    def __init__(self, settings: Settings, facts: Facts, log: Log) -> None:
        self._topic = settings.kafka_topic
        self._facts = facts
        self._log = log
        self._accounts = Accounts()

    def look(self, found: Look) -> set[UUID]:
        """Count and compare; returns the users whose records were read."""
        newest, rings = self._facts.newest_open(), self._facts.outbox_rings()
        positions = self._log.positions(self._topic)
        known_as = positions[0].topic_id if positions else NO_TOPIC_ID
        touched: set[UUID] = set()
        for messages in self._log.records(self._topic, self._accounts.begin(positions)):
            rungs = [_rung(self._topic, known_as, message) for message in messages]
            verdicts = self._facts.verdicts(rungs)
            touched |= {rung.user_id for rung in rungs if rung.user_id}
            self._count(rungs, verdicts, {one.partition: one for one in positions}, rings, found)
        for position in positions:
            self._accounts[position.partition].end(position.readable, position.high)
            found.partitions.append(self._accounts[position.partition].figures(position))
            found.findings += findings.commit(position)
        found.numbers["open_users"] = len(newest)
        self._unrung(newest, rings, found)
        return touched

    def _count(
        self,
        rungs: Sequence[Rung],
        verdicts: Sequence[Verdict],
        positions: dict[int, Position],
        rings: Turns,
        found: Look,
    ) -> None:
        for rung, verdict in zip(rungs, verdicts, strict=True):
            self._accounts[rung.partition].count(rung.offset, verdict.state)
            if verdict.state in DONE:
                continue
            done_below = positions[rung.partition].done_below
            if rung.offset < done_below:
                found.findings.append(_past(rung, done_below, verdict))
            elif rung.user_id and verdict.turn:
                rings[rung.user_id] = max(rings.get(rung.user_id, 0), verdict.turn)

    def _unrung(self, newest: Turns, rings: Turns, found: Look) -> None:
        """A record rings for its turn and all before it, so the newest one of each user is enough."""
        silent = {user: turn for user, turn in newest.items() if turn > rings.get(user, 0)}
        for row in self._facts.unrung(silent) if silent else []:
            found.numbers["unrung_users"] += 1
            found.findings += findings.unrung(str(row.id), row.overdue)


def _rung(topic: str, known_as: str, message: Stands) -> Rung:
    if isinstance(message, Damaged):
        where = damaged_origin(topic, message.partition, message.offset, known_as)
        return Rung(message.partition, message.offset, None, None, None, record_failure_id(where, None))
    read = read_message(topic, message)
    record = read.record if isinstance(read, Unreadable) else read
    failure = record_failure_id(record.origin or {}, message.value())
    if isinstance(read, Unreadable):
        return Rung(message.partition() or 0, record.offset, None, None, None, failure)
    return Rung(message.partition() or 0, record.offset, record.thought_id, record.user_id, record.turn, failure)


def _past(rung: Rung, done_below: int, verdict: Verdict) -> findings.Finding:
    thought = str(rung.thought_id) if rung.thought_id else "none, it is unreadable"
    return findings.frontier(rung.partition, rung.offset, done_below, thought, verdict.state)
