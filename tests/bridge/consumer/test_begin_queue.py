"""Tests how many heads a lane lets begin, and whose: first the queued users, in the order in which they came."""

from uuid import UUID

import pytest

from bridge.consumer.lane import Lane
from bridge.consumer.protocol import DecideRequest
from bridge.consumer.window import Window
from tests.bridge.lane_examples import make_decision, make_head, make_record

LEASE_SECONDS = 20.0


class Walk:
    """A lane whose requests are answered as PostgreSQL would, while nothing finishes unless a test says so."""

    def __init__(self, limit: int, window: Window | None = None) -> None:
        self.lane = Lane(0, LEASE_SECONDS, window)
        self.lane.set_limit(limit)
        self.now = 0.0
        self.begun: list[int] = []
        """Users in the order in which their heads began."""
        self.records: dict[int, list[int]] = {}
        self.next_offset = 0
        self.in_flight: set[int] = set()

    def add(self, *users: int) -> None:
        for user in users:
            self.lane.add_record(make_record(self.next_offset, UUID(int=user)))
            self.records.setdefault(user, []).append(self.next_offset)
            self.next_offset += 1

    def run(self, rounds: int = 3) -> None:
        """Answer what is due, as often as a change may cause another request."""
        for _ in range(rounds):
            for request in self.lane.due_requests(self.now):
                self.answer(request)
            for head in self.lane.heads_to_dispatch():
                self.lane.dispatched(head, self.now)

    def answer(self, request: DecideRequest, **columns: object) -> None:
        user = request.user_id.int
        open_offsets = self.records[user]
        verdicts = {
            f"o{record.offset}": "open" if record.offset in open_offsets else "done" for record in request.records
        }
        if not open_offsets:
            self.lane.decided(make_decision(request.user_id, None, **verdicts), self.now)  # type: ignore[arg-type]
            return
        begins = user not in self.in_flight and request.may_begin
        if begins:
            self.in_flight.add(user)
            self.begun.append(user)
        is_pending = user not in self.in_flight
        head = make_head(
            request.user_id,
            thought_id=UUID(int=1000 + open_offsets[0]),
            needs_dispatch=begins,
            begins=begins,
            pending=is_pending,
            **columns,
        )
        self.lane.decided(make_decision(request.user_id, head, **verdicts), self.now)  # type: ignore[arg-type]

    def finish(self, user: int) -> None:
        """Let the user's thought end, as a worker does, which also wakes the lane."""
        self.in_flight.remove(user)
        self.records[user].pop(0)
        self.lane.wake(UUID(int=user), self.now)


def test_no_more_heads_begin_than_the_limit_allows() -> None:
    walk = Walk(limit=2)
    walk.add(1, 2, 3, 4)
    walk.run()
    assert walk.begun == [1, 2]


def test_users_that_wait_begin_in_the_order_in_which_they_came() -> None:
    walk = Walk(limit=1)
    walk.add(3, 1, 2)
    walk.run()
    for user in (3, 1, 2):
        assert walk.begun[-1] == user
        walk.finish(user)
        walk.run()
    assert (walk.begun, walk.lane.is_idle) == ([3, 1, 2], True)


def test_a_user_with_many_thoughts_does_not_keep_the_others_waiting() -> None:
    walk = Walk(limit=1)
    walk.add(1, 1, 1, 2, 3)
    walk.run()
    for user in (1, 2, 3, 1, 1):
        assert walk.begun[-1] == user
        walk.finish(user)
        walk.run()
    assert walk.lane.is_idle


def test_a_user_whose_thought_has_ended_begins_the_next_one_at_once_when_nobody_waits() -> None:
    walk = Walk(limit=1)
    walk.add(1, 1)
    walk.run()
    walk.finish(1)
    walk.run(rounds=1)
    assert walk.begun == [1, 1]


def test_a_new_user_does_not_overtake_those_that_wait() -> None:
    walk = Walk(limit=1)
    walk.add(1, 2)
    walk.run()
    walk.add(3)
    walk.finish(1)
    walk.run()
    assert walk.begun == [1, 2]


def test_more_heads_begin_when_workers_come_and_none_when_they_go() -> None:
    walk = Walk(limit=1)
    walk.add(1, 2, 3, 4, 5)
    walk.run()
    walk.lane.set_limit(3)
    walk.run()
    assert walk.begun == [1, 2, 3]
    walk.lane.set_limit(1)
    walk.finish(1)
    walk.finish(2)
    walk.run()
    assert walk.begun == [1, 2, 3]
    walk.finish(3)
    walk.run()
    assert walk.begun == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "columns", [{"wait": 60.0}, {"losses": 1}], ids=["waits for its retry", "is in the queue solo"]
)
def test_a_head_that_holds_no_slot_of_the_workers_lets_another_one_begin(columns: dict[str, object]) -> None:
    walk = Walk(limit=1)
    walk.add(1, 2)
    walk.run()
    walk.lane.wake(UUID(int=1), walk.now)
    (request,) = walk.lane.due_requests(walk.now)
    walk.answer(request, **columns)
    walk.run()
    assert walk.begun == [1, 2]


def test_a_waiting_user_whose_thought_was_deleted_is_asked_about_at_once_and_begins_nothing() -> None:
    walk = Walk(limit=1)
    walk.add(1, 2)
    walk.run()
    walk.records[2].clear()
    walk.lane.wake(UUID(int=2), walk.now)
    walk.run()
    assert (walk.begun, walk.lane.users()) == ([1], [UUID(int=1)])


def test_a_waiting_user_that_is_woken_keeps_its_place() -> None:
    walk = Walk(limit=1)
    walk.add(1, 2, 3)
    walk.run()
    walk.lane.wake(UUID(int=2), walk.now)
    walk.run()
    walk.finish(1)
    walk.run()
    assert walk.begun == [1, 2]


def test_a_head_that_another_bridge_began_counts_although_nothing_may_begin() -> None:
    walk = Walk(limit=1)
    walk.in_flight = {1, 2}
    walk.add(1, 2, 3)
    walk.run()
    walk.finish(1)
    walk.run()
    assert walk.begun == []
    walk.finish(2)
    walk.run()
    assert walk.begun == [3]


def test_a_request_without_an_answer_keeps_its_place_until_postgresql_answers() -> None:
    walk = Walk(limit=1)
    walk.add(1, 2)
    walk.lane.due_requests(walk.now)
    walk.lane.decide_failed(walk.now)
    assert walk.lane.due_requests(walk.now) == []
    walk.now += 1
    walk.run()
    assert walk.begun == [1]


def test_a_waiting_head_has_no_lease_and_is_never_taken_over() -> None:
    walk = Walk(limit=1)
    walk.add(1, 2)
    walk.run()
    walk.now += 1000
    walk.lane.wake(UUID(int=2), walk.now)
    (request,) = [request for request in walk.lane.due_requests(walk.now) if request.user_id.int == 2]
    assert (request.expired_version, request.may_begin) == (None, False)


def test_the_window_grows_with_the_limit_so_that_there_are_users_whose_heads_can_begin() -> None:
    walk = Walk(limit=1, window=Window(users=3, records=1000))
    walk.add(1, 2, 3)
    before = walk.lane.is_full
    walk.lane.set_limit(4)
    walk.add(4, 5, 6, 7)
    with_room = walk.lane.is_full
    walk.add(8)
    assert (before, with_room, walk.lane.is_full) == (True, False, True)
