"""Tests how many heads a lane lets begin, and whose: first the queued users, in the order in which they came."""

from uuid import UUID

import pytest

from bridge.consumer.window import Window
from tests.bridge.lane_walk import Walk


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
