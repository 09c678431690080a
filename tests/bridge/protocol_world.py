"""Bridges, workers, a log and a broker around PostgreSQL in memory, all drawn from one seed.

Time is the world's own. What must never happen is asserted where it would happen; `settle` then ends the faults, and
everything that was accepted must end.
"""

from dataclasses import dataclass, field, replace
from random import Random
from uuid import UUID

from bridge.decide import Ask, Decision, Record
from bridge.lane import Lane, Window
from tests.bridge.ledger_model import MAX_ATTEMPTS, Ledger, Row, turns_in_order

PATIENCE, RENEW, FRESH = 20.0, 5.0, 4.0
STEPS = 3
USERS = [UUID(int=n) for n in range(1, 4)]
PARTITIONS = 2
THOUGHTS = 9


@dataclass
class Owner:
    """A bridge's lane of a partition, and its questions under way."""

    partition: int
    lane: Lane
    next: int
    asked: list[Ask] = field(default_factory=list)


@dataclass
class Message:
    """A chain in the broker, at one of its steps."""

    thought: UUID
    token: int
    step: int
    due: float = 0.0


@dataclass
class Call:
    """A worker in a step: claimed, then calling, then holding what it paid for."""

    message: Message
    id: int
    attempt: int
    sent: float
    until: float
    running: bool = False
    stopped: bool = False
    renew_at: float = 0.0


class World:
    """One random history."""

    def __init__(self, seed: int) -> None:
        self.draw = Random(seed)
        self.now = 0.0
        self.clock_step = 0.0
        self.ledger = Ledger(lambda: self.now + self.clock_step, STEPS)
        self.ledger.last_turn.update(dict.fromkeys(USERS, 0))
        self.logs: list[list[Record]] = [[] for _ in range(PARTITIONS)]
        self.committed = [0] * PARTITIONS
        self.owners = [self._owner(partition) for partition in range(PARTITIONS)]
        self.messages: list[Message] = []
        self.calls: list[Call] = []
        self.silenced: set[int] = set()
        self.ended: list[tuple[UUID, int]] = []
        self.postgres_is_away = False
        self.faults = True
        self.last_call = 0

    def run(self, rounds: int = 250) -> None:
        for _ in range(rounds):
            self._round(self.draw.expovariate(3.0))
            if self.draw.random() < 0.15:
                self.fault()
        self.settle()

    def fault(self) -> None:
        """Something goes wrong; a world of its own has no faults."""

    def settle(self) -> None:
        """No more faults: everything ends, in order, and every offset is committed."""
        self.faults, self.postgres_is_away = False, False
        self.ledger.locked.clear()
        for call in self.calls:
            call.stopped = False
        for _ in range(6_000):
            if self._all_done():
                break
            if int(self.now) % 60 == 0:
                self._sweep()
            self._round(1.0)
        assert self._all_done(), (self.ledger.rows, self.committed)
        assert turns_in_order(self.ended)
        for row in self.ledger.rows.values():
            last = STEPS if row.status == "completed" else row.steps_done
            assert [self.ledger.saves[row.id, step] for step in range(1, STEPS + 1)] == [1] * last + [0] * (
                STEPS - last
            )

    def _all_done(self) -> bool:
        terminal = not any(row.is_open for row in self.ledger.rows.values())
        return terminal and all(self.committed[p] == len(log) for p, log in enumerate(self.logs))

    def _round(self, seconds: float) -> None:
        self.now += min(seconds, 2.0)
        if len(self.ledger.rows) < THOUGHTS and self.draw.random() < 0.1:
            self._accept()
        for owner in list(self.owners):
            if self.draw.random() < 0.7:
                self._drive(owner)
        if self.messages and self.draw.random() < 0.7:
            self._take_message()
        for call in list(self.calls):
            self._work(call)

    # The log.

    def _accept(self) -> None:
        user = self.draw.choice(USERS)
        thought = UUID(int=1000 + len(self.ledger.rows))
        turn = self.ledger.accept(thought, user)
        for _ in range(self.draw.choice([0, 1, 1, 1, 1, 2])):
            self._emit(self.ledger.rows[thought], turn)

    def _emit(self, row: Row, turn: int | None) -> None:
        strange = self.draw.random() < 0.2
        partition = self.draw.randrange(PARTITIONS) if strange else row.user_id.int % PARTITIONS
        self.logs[partition].append(Record(len(self.logs[partition]), row.user_id, row.id, turn))

    def _sweep(self) -> None:
        for user in USERS:
            for row in self.ledger.line(user)[-1:]:
                self._emit(row, row.turn)

    # Bridges.

    def _owner(self, partition: int) -> Owner:
        at = self.committed[partition]
        return Owner(partition, Lane(at, PATIENCE, Window(3, 20)), at)

    def _drive(self, owner: Owner) -> None:
        log, lane = self.logs[owner.partition], owner.lane
        while owner.next < len(log) and not lane.is_full:
            lane.read(log[owner.next])
            owner.next += 1
        self._answer(owner)
        owner.asked += lane.tick(self.now)
        self._send(lane)
        if self.draw.random() < 0.3:
            self._commit(owner)

    def _answer(self, owner: Owner) -> None:
        """What was asked in an earlier round is answered now; some questions wait on, some answers are lost."""
        if not owner.asked or self.draw.random() < 0.2:
            return
        asked, owner.asked = owner.asked, []
        if self.postgres_is_away or (self.faults and self.draw.random() < 0.03):
            if not self.postgres_is_away and self.draw.random() < 0.5:
                self._decide(asked)
            owner.lane.ask_failed(self.now)
            return
        for decision in self._decide(asked):
            owner.lane.decided(decision, self.now)

    def _decide(self, asked: list[Ask]) -> list[Decision]:
        before = len(self.ledger.takeovers)
        found = self.ledger.decide(asked)
        for call in self.ledger.takeovers[before:]:
            assert call in self.silenced, "a living worker's call was taken from it"
        return found

    def _send(self, lane: Lane) -> None:
        for head in lane.unsent():
            fate = self.draw.random() if self.faults else 1.0
            if fate > 0.1:
                self.messages.append(Message(head.thought_id, head.dispatch_id, head.steps_done + 1))
            if fate < 0.05:
                continue  # neither sent nor known to be sent
            if fate > 0.2 or fate < 0.15:
                lane.sent(head, self.now)

    def _commit(self, owner: Owner) -> None:
        frontier = owner.lane.frontier
        for record in self.logs[owner.partition][:frontier]:
            assert self.ledger.verdict(record) == "done", "committed past a thought that is not terminal"
        self.committed[owner.partition] = frontier

    # Workers.

    def _take_message(self) -> None:
        due = [message for message in self.messages if message.due <= self.now]
        if not due or self.postgres_is_away:
            return
        message = self.draw.choice(due)
        if not (self.faults and self.draw.random() < 0.1):  # else it is delivered once more
            self.messages.remove(message)
        self._claim(replace(message))

    def _claim(self, message: Message) -> None:
        self.last_call += 1
        verdict, wait = self.ledger.claim(message.thought, message.token, message.step, self.last_call)
        row = self.ledger.rows[message.thought]
        if verdict == "early":
            self.messages.append(replace(message, due=self.now + wait))
        elif verdict == "saved":
            self._advance(message)
        elif verdict == "exhausted" and self.ledger.fail(message.thought, message.token, message.step, None):
            self.ended.append((row.user_id, row.turn))
        elif verdict == "run":
            assert self.ledger.line(row.user_id)[0].id == row.id, "not the head of the line"
            in_call = [one for one in self.ledger.line(row.user_id) if one.call_id is not None]
            assert in_call == [row], "two of one user in flight"
            lasts = self.draw.expovariate(0.2)
            self.calls.append(Call(message, self.last_call, row.attempts, self.now, self.now + lasts))
            self.calls[-1].renew_at = self.now + RENEW

    def _advance(self, message: Message) -> None:
        if message.step < STEPS and not (self.faults and self.draw.random() < 0.1):
            self.messages.append(replace(message, step=message.step + 1, due=0.0))

    def _work(self, call: Call) -> None:
        if call.stopped or self.postgres_is_away:
            return
        if not call.running:
            self._begin(call)
        elif self.now >= call.until:
            self._end(call)
        elif self.now >= call.renew_at:
            call.renew_at = self.now + RENEW
            if not self.ledger.renew(call.message.thought, call.id):
                self.calls.remove(call)

    def _begin(self, call: Call) -> None:
        """Who was stopped between claim and call looks again before it pays."""
        if self.now - call.sent >= FRESH:
            call.sent = self.now
            if not self.ledger.renew(call.message.thought, call.id):
                self.calls.remove(call)
                return
        call.running = True

    def _end(self, call: Call) -> None:
        self.calls.remove(call)
        message, row = call.message, self.ledger.rows[call.message.thought]
        user_turn, fate = (row.user_id, row.turn), self.draw.random()
        if fate < 0.8 or not self.faults:
            if self.ledger.save(message.thought, message.step, call.id):
                self._advance(message)
                if message.step == STEPS:
                    self.ended.append(user_turn)
        elif fate < 0.95 and call.attempt < MAX_ATTEMPTS:
            backoff = self.draw.uniform(0.5, 60.0)
            if self.ledger.retry(message.thought, call.id, backoff):
                self.messages.append(replace(message, due=self.now + backoff))
        elif self.ledger.fail(message.thought, message.token, message.step, call.id):
            self.ended.append(user_turn)
