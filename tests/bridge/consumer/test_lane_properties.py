"""Tests the lane with random walks against a model of PostgreSQL: its promises hold after every step of each walk."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from random import Random
from uuid import UUID

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bridge.consumer.lane import RECORDS_PER_REQUEST, Lane
from bridge.consumer.protocol import AcceptRecord, DeadLetterRecord, DecideRequest, Decision, Head, HeadVersion
from bridge.consumer.window import Window
from bridge.records.types import Record
from tests.bridge.consumer.database_model import DatabaseModel, act_as_worker

LEASE_SECONDS = 20.0
USERS = [UUID(int=n) for n in range(1, 6)]
UNKNOWN_USER = UUID(int=77)
WINDOW = Window(users=4, records=12, bytes=600)
SIZES = (0, 10, 90, 400)
FIRST_OFFSET = 40

users = st.sampled_from(USERS)


class ExpectedLease:
    """Computes independently of the lane when the lease of a user's head expires."""

    def __init__(self) -> None:
        self.version: HeadVersion | None = None
        self.expires_at = 0.0

    def observe(self, head: Head | None, now: float) -> None:
        if head is None or head.pending:
            self.version = None
        elif head.version != self.version:
            self.version, self.seconds = head.version, lease_of(head)
            self.expires_at = now + self.seconds

    def restart(self, now: float) -> None:
        if self.version is not None:
            self.expires_at = now + self.seconds


def lease_of(head: Head) -> float:
    return LEASE_SECONDS if head.in_call else head.wait + LEASE_SECONDS * 2 ** min(max(head.sends, 1) - 1, 5)


class LaneWalk(RuleBasedStateMachine):
    """Holds one lane, its log and its requests in progress; the rules of the walk are the events."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.ids = count(1000)
        self.database = DatabaseModel(lambda: self.now + 1e6)
        self.database.last_turn.update(dict.fromkeys(USERS, 0))
        self.log: list[Record | None] = []  # None is an unreadable record
        self.next, self.sizes = 0, dict[int, int]()
        self.lane = Lane(FIRST_OFFSET, LEASE_SECONDS, WINDOW)
        self.requests: dict[UUID, DecideRequest] = {}
        self.done_offsets: set[int] = set()
        self.accepted_offsets: list[int] = []
        self.leases = {user: ExpectedLease() for user in [*USERS, UNKNOWN_USER]}
        self.random = Random(5)
        self.limit = 2
        self.lane.set_limit(self.limit)

    # Records are produced.

    @rule(user=users)
    def a_thought_is_accepted_by_the_web(self, user: UUID) -> None:
        thought = UUID(int=next(self.ids))
        self._append(user, thought, self.database.accept(thought, user))

    @rule(user=st.sampled_from([*USERS, UNKNOWN_USER]), turn=st.sampled_from([None, 1, 9]))
    def an_external_event_is_produced(self, user: UUID, turn: int | None) -> None:
        self._append(user, UUID(int=next(self.ids)), turn)

    @rule(user=users, turn=st.sampled_from([None, 1]))
    @precondition(lambda self: self.database.rows)
    def a_record_names_another_users_thought(self, user: UUID, turn: int | None) -> None:
        self._append(user, self.random.choice(list(self.database.rows)), turn)

    @rule()
    @precondition(lambda self: any(self.log))
    def a_record_is_produced_again(self) -> None:
        self.log.append(self.random.choice([record for record in self.log if record]))

    @rule()
    def an_unreadable_record_is_produced(self) -> None:
        self.log.append(None)

    # The bridge works.

    @rule(number=st.integers(1, 6))
    def records_are_read(self, number: int) -> None:
        for _ in range(number):
            if self.lane.is_full or self.next >= len(self.log):
                return
            self._read_next()

    @rule(seconds=st.sampled_from([0.01, 0.3, 1.0, 5.0, 20.0, 45.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(limit=st.sampled_from([1, 2, 3, 50]))
    def workers_come_or_go(self, limit: int) -> None:
        self.limit = limit
        self.lane.set_limit(limit)

    @rule()
    def due_requests_are_sent(self) -> None:
        before = in_flight(self.lane)
        requests = self.lane.due_requests(self.now)
        assert in_flight(self.lane) <= max(self.limit, before), "more heads may begin than the limit allows"
        for request in requests:
            assert request.user_id not in self.requests, "two requests of one user at the same time"
            assert 0 < len(request.records) <= RECORDS_PER_REQUEST
            self._check_expired_version(request)
            self.requests[request.user_id] = request

    @rule(number=st.integers(1, 5))
    @precondition(lambda self: self.requests)
    def requests_are_answered(self, number: int) -> None:
        answered_users = self.random.sample(sorted(self.requests), min(number, len(self.requests)))
        for decision in self.database.decide([self.requests.pop(user) for user in answered_users]):
            self._deliver(decision)

    @rule(is_executed=st.booleans())
    @precondition(lambda self: self.requests)
    def an_answer_is_lost(self, is_executed: bool) -> None:
        if is_executed:
            self.database.decide(list(self.requests.values()))
        self.requests.clear()
        self.lane.decide_failed(self.now)
        for lease in self.leases.values():
            lease.restart(self.now)

    @rule()
    def chains_are_sent(self) -> None:
        for head in self.lane.heads_to_dispatch():
            assert head.needs_dispatch
            self.lane.dispatched(head, self.now)
            self.leases[head.user_id].restart(self.now)

    @rule(user=users)
    def a_wakeup_arrives(self, user: UUID) -> None:
        self.lane.wake(user, self.now)
        dispatching = {head.user_id for head in self.lane.heads_to_dispatch()}
        if user in set(self.lane.users()) - set(self.requests) - dispatching:
            assert user in due_users(self.lane, self.now), "the wake-up caused no poll"

    @rule(runs=st.integers(2, 16), seconds=st.sampled_from([1.0, 2.5, 5.0]))
    def the_bridge_runs_for_a_while(self, runs: int, seconds: float) -> None:
        for _ in range(runs):
            self.now += seconds
            self.due_requests_are_sent()
            if self.requests:
                self.requests_are_answered(5)
            self.chains_are_sent()

    @rule(fails=st.booleans())
    def the_ingest_queue_is_processed(self, fails: bool) -> None:
        if fails:
            self.lane.ingest_failed(self.now)
            return
        while item := self.lane.next_ingest(self.now):
            self._ingest(item)

    # Workers, other transactions and people act.

    @rule(user=users, action=st.sampled_from(["claim", "renew", "save", "retry", "fail", "complete"]))
    def a_worker_acts(self, user: UUID, action: str) -> None:
        act_as_worker(self.database, user, action, next(self.ids))

    @rule(user=users)
    def a_head_is_locked_or_unlocked(self, user: UUID) -> None:
        self.database.locked ^= {row.id for row in self.database.line(user)[:1]}

    @rule()
    @precondition(lambda self: any(row.status == "failed" for row in self.database.rows.values()))
    def a_failed_thought_is_replayed(self) -> None:
        row = next(row for row in self.database.rows.values() if row.status == "failed")
        self._append(row.user_id, row.id, self.database.replay(row.id))

    # The lane's promises.

    @invariant()
    def the_frontier_is_the_lowest_offset_that_is_not_done(self) -> None:
        read = range(FIRST_OFFSET, FIRST_OFFSET + self.next)
        open_offsets = [offset for offset in read if offset not in self.done_offsets]
        assert self.lane.frontier == min(open_offsets, default=read.stop)

    @invariant()
    def the_lane_is_bounded(self) -> None:
        open_count = self.next - len(self.done_offsets)
        size = sum(size for offset, size in self.sizes.items() if offset not in self.done_offsets)
        assert open_count <= WINDOW.records
        assert size < WINDOW.bytes + max(SIZES)
        window = WINDOW.for_users(2 * self.limit)
        assert len(self.lane.users()) <= WINDOW.users + open_count
        assert self.lane.is_full != window.allows_more(len(self.lane.users()), open_count, size)
        assert not (self.lane.is_full and self.lane.has_room)
        assert self.lane.is_idle == (open_count == 0)

    @invariant()
    def records_without_a_turn_are_accepted_in_the_order_of_the_log(self) -> None:
        assert self.accepted_offsets == sorted(self.accepted_offsets)

    def teardown(self) -> None:
        """Check that every offset is closed within a bounded number of runs after the faults have ended."""
        self.database.locked.clear()
        self.requests.clear()
        self.lane.decide_failed(self.now)
        for lease in self.leases.values():
            lease.restart(self.now)
        for _ in range(40 + 20 * len(self.log)):
            self._run_round_without_faults()
        assert self.lane.frontier == FIRST_OFFSET + len(self.log)
        assert (self.lane.is_idle, self.lane.users()) == (True, [])

    def _run_round_without_faults(self) -> None:
        self.now += 1.0
        self.records_are_read(100)
        self.the_ingest_queue_is_processed(False)
        self.due_requests_are_sent()
        if self.requests:
            self.requests_are_answered(100)
        self.chains_are_sent()
        for user in USERS:
            act_as_worker(self.database, user, "complete", next(self.ids))
            self.lane.wake(user, self.now)
        self.the_frontier_is_the_lowest_offset_that_is_not_done()

    def _append(self, user: UUID, thought: UUID, turn: int | None) -> None:
        self.log.append(Record(FIRST_OFFSET + len(self.log), user, thought, turn))

    def _read_next(self) -> None:
        record, offset = self.log[self.next], FIRST_OFFSET + self.next
        self.next += 1
        size = self.sizes[offset] = self.random.choice(SIZES)
        if record is None:
            self.lane.add_invalid(Record(offset, UUID(int=0), UUID(int=0), None, size=size), "broken")
        else:
            self.lane.add_record(replace(record, offset=offset, size=size))

    def _check_expired_version(self, request: DecideRequest) -> None:
        lease = self.leases[request.user_id]
        if request.expired_version is not None:
            assert request.expired_version == lease.version
            assert self.now >= lease.expires_at - 1e-6, "taken over before the lease expired"
        elif lease.version is not None:
            assert self.now < lease.expires_at + 1e-6, "the expired lease was not noticed"

    def _deliver(self, decision: Decision) -> None:
        shuffled = list(decision.verdicts)
        self.random.shuffle(shuffled)
        self.done_offsets |= {verdict.offset for verdict in shuffled if verdict.kind == "done"}
        has_open_record = any(verdict.kind == "open" for verdict in shuffled)
        self.lane.decided(replace(decision, verdicts=tuple(shuffled)), self.now)
        if has_open_record:
            self.leases[decision.user_id].observe(decision.head, self.now)
        elif decision.user_id not in self.lane.users():
            self.leases[decision.user_id] = ExpectedLease()

    def _ingest(self, item: AcceptRecord | DeadLetterRecord) -> None:
        record = item.record
        if isinstance(item, DeadLetterRecord):
            self.lane.dead_lettered(record)
            self.done_offsets.add(record.offset)
            return
        if record.turn is None:
            self.accepted_offsets.append(record.offset)
        turn = self.database.accept(record.thought_id, record.user_id)
        if turn is None:
            self.lane.not_acceptable(record, "unknown-user")
        else:
            self.lane.accepted(record, turn)


def in_flight(lane: Lane) -> int:
    """Return how many heads the lane counts as in flight or has allowed to begin."""
    return sum(line.in_flight for line in lane._lines.values())


def due_users(lane: Lane, now: float) -> Iterable[UUID]:
    """Return the users that are due, without starting their requests."""
    return [user for user, line in lane._lines.items() if line.is_due(now)]


LaneWalk.TestCase.settings = hypothesis_settings(
    max_examples=200, stateful_step_count=50, deadline=None, derandomize=True
)
TestLaneWalk = LaneWalk.TestCase
