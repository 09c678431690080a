"""The lane against PostgreSQL in memory, by random walks: what it promises holds after every step of every walk."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from random import Random
from uuid import UUID

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bridge.consumer.lane import RECORDS_PER_REQUEST, Lane, Window
from bridge.consumer.protocol import AcceptRecord, DeadLetterRecord, DecideRequest, Decision, Head, HeadVersion
from bridge.records.types import Record
from tests.bridge.consumer.database_model import Ledger, work

PATIENCE = 20.0
USERS = [UUID(int=n) for n in range(1, 6)]
STRANGER = UUID(int=77)
WINDOW = Window(users=4, records=12, bytes=600)
SIZES = (0, 10, 90, 400)
FIRST = 40

users = st.sampled_from(USERS)


class Silence:
    """The test's own account of how long a head has looked the same, to judge what the lane hands out as seen."""

    def __init__(self) -> None:
        self.watch: HeadVersion | None = None
        self.earliest = 0.0

    def looked(self, head: Head | None, now: float) -> None:
        if head is None:
            self.watch = None
        elif head.version != self.watch:
            self.watch, self.patience = head.version, patience_of(head)
            self.earliest = now + self.patience

    def begin_anew(self, now: float) -> None:
        if self.watch is not None:
            self.earliest = now + self.patience


def patience_of(head: Head) -> float:
    return PATIENCE if head.in_call else head.wait + PATIENCE * 2 ** min(max(head.sends, 1) - 1, 5)


class LaneWalk(RuleBasedStateMachine):
    """One lane, its log, its questions under way, and workers that do as the walk pleases."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.fresh = count(1000)
        self.step_store = Ledger(lambda: self.now + 1e6)
        self.step_store.last_turn.update(dict.fromkeys(USERS, 0))
        self.log: list[Record | None] = []  # None: unreadable
        self.next, self.sizes = 0, dict[int, int]()
        self.lane = Lane(FIRST, PATIENCE, WINDOW)
        self.asked: dict[UUID, DecideRequest] = {}
        self.may_close: set[int] = set()
        self.stored: list[int] = []
        self.silence = {user: Silence() for user in [*USERS, STRANGER]}
        self.order = Random(5)

    # What comes into the log.

    @rule(user=users)
    def ours_is_accepted(self, user: UUID) -> None:
        thought = UUID(int=next(self.fresh))
        self._append(user, thought, self.step_store.accept(thought, user))

    @rule(user=st.sampled_from([*USERS, STRANGER]), turn=st.sampled_from([None, 1, 9]))
    def a_foreign_one_is_produced(self, user: UUID, turn: int | None) -> None:
        self._append(user, UUID(int=next(self.fresh)), turn)

    @rule(user=users, turn=st.sampled_from([None, 1]))
    @precondition(lambda self: self.step_store.rows)
    def another_users_thought_is_named(self, user: UUID, turn: int | None) -> None:
        self._append(user, self.order.choice(list(self.step_store.rows)), turn)

    @rule()
    @precondition(lambda self: any(self.log))
    def a_record_comes_again(self) -> None:
        self.log.append(self.order.choice([record for record in self.log if record]))

    @rule()
    def something_unreadable_is_produced(self) -> None:
        self.log.append(None)

    # What the bridge does.

    @rule(number=st.integers(1, 6))
    def records_are_read(self, number: int) -> None:
        for _ in range(number):
            if self.lane.is_full or self.next >= len(self.log):
                return
            self._read_one()

    @rule(seconds=st.sampled_from([0.01, 0.3, 1.0, 5.0, 20.0, 45.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def questions_are_asked(self) -> None:
        for ask in self.lane.due_requests(self.now):
            assert ask.user_id not in self.asked, "asked about twice at the same time"
            assert 0 < len(ask.records) <= RECORDS_PER_REQUEST
            self._judge_seen(ask)
            self.asked[ask.user_id] = ask

    @rule(how_many=st.integers(1, 5))
    @precondition(lambda self: self.asked)
    def questions_are_answered(self, how_many: int) -> None:
        chosen = self.order.sample(sorted(self.asked), min(how_many, len(self.asked)))
        for decision in self.step_store.decide([self.asked.pop(user) for user in chosen]):
            self._deliver(decision)

    @rule(decided=st.booleans())
    @precondition(lambda self: self.asked)
    def the_answer_is_lost(self, decided: bool) -> None:
        if decided:
            self.step_store.decide(list(self.asked.values()))
        self.asked.clear()
        self.lane.decide_failed(self.now)
        for silence in self.silence.values():
            silence.begin_anew(self.now)

    @rule()
    def chains_are_sent(self) -> None:
        for head in self.lane.heads_to_dispatch():
            assert head.dispatched
            self.lane.dispatched(head, self.now)
            self.silence[head.user_id].begin_anew(self.now)

    @rule(user=users)
    def news_comes(self, user: UUID) -> None:
        self.lane.wake(user, self.now)
        sending = {head.user_id for head in self.lane.heads_to_dispatch()}
        if user in set(self.lane.users()) - set(self.asked) - sending:
            assert user in who_is_due(self.lane, self.now), "news were not looked at"

    @rule(rounds=st.integers(2, 16), seconds=st.sampled_from([1.0, 2.5, 5.0]))
    def the_bridge_runs_for_a_while(self, rounds: int, seconds: float) -> None:
        for _ in range(rounds):
            self.now += seconds
            self.questions_are_asked()
            if self.asked:
                self.questions_are_answered(5)
            self.chains_are_sent()

    @rule(fails=st.booleans())
    def the_intake_works(self, fails: bool) -> None:
        if fails:
            self.lane.ingest_failed(self.now)
            return
        while item := self.lane.next_ingest(self.now):
            self._take_in(item)

    # What workers do.

    @rule(user=users, deed=st.sampled_from(["claim", "renew", "save", "retry", "fail", "complete"]))
    def a_worker_works(self, user: UUID, deed: str) -> None:
        work(self.step_store, user, deed, next(self.fresh))

    @rule(user=users)
    def somebody_locks_a_head(self, user: UUID) -> None:
        self.step_store.locked ^= {row.id for row in self.step_store.line(user)[:1]}

    @rule()
    @precondition(lambda self: any(row.status == "failed" for row in self.step_store.rows.values()))
    def a_failed_thought_is_replayed(self) -> None:
        row = next(row for row in self.step_store.rows.values() if row.status == "failed")
        self._append(row.user_id, row.id, self.step_store.replay(row.id))

    # What holds at any time.

    @invariant()
    def the_frontier_is_the_smallest_offset_that_is_not_done(self) -> None:
        read = range(FIRST, FIRST + self.next)
        assert self.lane.frontier == min((one for one in read if one not in self.may_close), default=read.stop)

    @invariant()
    def the_lane_is_bounded(self) -> None:
        held = self.next - len(self.may_close)
        size = sum(size for offset, size in self.sizes.items() if offset not in self.may_close)
        assert held <= WINDOW.records
        assert size < WINDOW.bytes + max(SIZES)
        assert len(self.lane.users()) <= WINDOW.users + held
        assert self.lane.is_full != WINDOW.holds(len(self.lane.users()), held, size)
        assert not (self.lane.is_full and self.lane.has_room)
        assert self.lane.is_idle == (held == 0)

    @invariant()
    def records_without_a_turn_are_stored_in_the_order_of_the_log(self) -> None:
        assert self.stored == sorted(self.stored)

    def teardown(self) -> None:
        """When the faults end and workers do their work, everything closes within a bounded number of rounds."""
        self.step_store.locked.clear()
        self.asked.clear()
        self.lane.decide_failed(self.now)
        for silence in self.silence.values():
            silence.begin_anew(self.now)
        for _ in range(40 + 12 * len(self.log)):
            self._good_round()
        assert self.lane.frontier == FIRST + len(self.log)
        assert (self.lane.is_idle, self.lane.users()) == (True, [])

    def _good_round(self) -> None:
        self.now += 1.0
        self.records_are_read(100)
        self.the_intake_works(False)
        self.questions_are_asked()
        if self.asked:
            self.questions_are_answered(100)
        self.chains_are_sent()
        for user in USERS:
            work(self.step_store, user, "complete", next(self.fresh))
            self.lane.wake(user, self.now)
        self.the_frontier_is_the_smallest_offset_that_is_not_done()

    def _append(self, user: UUID, thought: UUID, turn: int | None) -> None:
        self.log.append(Record(FIRST + len(self.log), user, thought, turn))

    def _read_one(self) -> None:
        found, offset = self.log[self.next], FIRST + self.next
        self.next += 1
        size = self.sizes[offset] = self.order.choice(SIZES)
        if found is None:
            self.lane.add_invalid(Record(offset, UUID(int=0), UUID(int=0), None, size=size), "broken")
        else:
            self.lane.add_record(replace(found, offset=offset, size=size))

    def _judge_seen(self, ask: DecideRequest) -> None:
        silence = self.silence[ask.user_id]
        if ask.expired_version is not None:
            assert ask.expired_version == silence.watch
            assert self.now >= silence.earliest - 1e-6, "presumed silent before the patience was over"
        elif silence.watch is not None:
            assert self.now < silence.earliest + 1e-6, "silence was not noticed"

    def _deliver(self, decision: Decision) -> None:
        shuffled = list(decision.verdicts)
        self.order.shuffle(shuffled)
        self.may_close |= {verdict.offset for verdict in shuffled if verdict.kind == "done"}
        still_open = any(verdict.kind == "open" for verdict in shuffled)
        self.lane.decided(replace(decision, verdicts=tuple(shuffled)), self.now)
        held = decision.user_id in self.lane.users()
        if still_open:
            self.silence[decision.user_id].looked(decision.head, self.now)
        elif not held:
            self.silence[decision.user_id] = Silence()

    def _take_in(self, item: AcceptRecord | DeadLetterRecord) -> None:
        record = item.record
        if isinstance(item, DeadLetterRecord):
            self.lane.dead_lettered(record)
            self.may_close.add(record.offset)
            return
        if record.turn is None:
            self.stored.append(record.offset)
        turn = self.step_store.accept(record.thought_id, record.user_id)
        if turn is None:
            self.lane.not_acceptable(record, "refused")
        else:
            self.lane.accepted(record, turn)


def who_is_due(lane: Lane, now: float) -> Iterable[UUID]:
    """Who would be asked about now, without asking."""
    return [user for user, line in lane._lines.items() if line.is_due(now)]


LaneWalk.TestCase.settings = hypothesis_settings(
    max_examples=200, stateful_step_count=50, deadline=None, derandomize=True
)
TestLaneWalk = LaneWalk.TestCase
