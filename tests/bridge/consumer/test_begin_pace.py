"""Tests how fast heads begin under a backlog: one after the other, over the duration of a thought."""

from uuid import UUID

import pytest

from bridge.consumer.begin_pace import ASSUMED_SECONDS, OBSERVED_THOUGHTS
from tests.bridge.lane_examples import make_decision
from tests.bridge.lane_walk import Walk

TICK_SECONDS = 0.25


def pass_time(walk: Walk, seconds: float) -> None:
    """Let the lane run for this long."""
    for _ in range(round(seconds / TICK_SECONDS)):
        walk.now += TICK_SECONDS
        walk.run(rounds=1)


def observe_durations(walk: Walk, *durations: float) -> None:
    """Let one thought after the other take this long, without a backlog. Their user has none left then."""
    for seconds in durations:
        walk.add(1000)
        walk.run()
        walk.now += seconds
        walk.finish(1000)
        walk.run()
    walk.begun.clear()


@pytest.mark.parametrize("unread", [0, 30], ids=["users that wait", "records that are unread"])
def test_a_backlog_begins_over_the_duration_of_a_thought(unread: int) -> None:
    walk = Walk(limit=10)
    walk.add(*range(40 - unread))
    walk.lane.note_unread(unread)
    walk.run()
    begun_at_once = len(walk.begun)
    pass_time(walk, ASSUMED_SECONDS / 2)
    half = len(walk.begun)
    pass_time(walk, ASSUMED_SECONDS / 2)
    assert (begun_at_once, half, len(walk.begun)) == (1, 6, 10)


def test_less_than_two_limits_begin_at_once() -> None:
    walk = Walk(limit=10)
    walk.add(*range(19))
    walk.run()
    assert len(walk.begun) == 10


def test_at_least_one_head_is_in_flight_under_a_backlog() -> None:
    walk = Walk(limit=1)
    walk.add(1, 2, 3)
    for user in (1, 2, 3):
        walk.run()
        assert walk.begun[-1] == user
        walk.finish(user)


def test_thoughts_of_less_than_a_second_are_not_paced() -> None:
    walk = Walk(limit=10)
    observe_durations(walk, 0.05)
    walk.add(*range(40))
    walk.run()
    assert len(walk.begun) == 10


def test_the_pace_follows_the_shortest_of_the_last_thoughts() -> None:
    walk = Walk(limit=10)
    observe_durations(walk, 4.0, *[300.0] * (OBSERVED_THOUGHTS - 1))
    walk.add(*range(40))
    walk.run()
    pass_time(walk, 4.0)
    assert len(walk.begun) == 10


def test_a_long_ago_thought_no_longer_counts() -> None:
    walk = Walk(limit=10)
    observe_durations(walk, 4.0, *[300.0] * OBSERVED_THOUGHTS)
    walk.add(*range(40))
    walk.run()
    pass_time(walk, 4.0)
    assert len(walk.begun) == 1


@pytest.mark.parametrize(
    "columns", [{"wait": 60.0}, {"losses": 1}], ids=["waited for its retry", "was in the queue solo"]
)
def test_a_thought_that_held_no_slot_for_a_time_says_nothing_about_durations(columns: dict[str, object]) -> None:
    walk = Walk(limit=10)
    walk.add(1000)
    walk.run()
    walk.lane.wake(UUID(int=1000), walk.now)
    (request,) = walk.lane.due_requests(walk.now)
    walk.answer(request, **columns)
    walk.now += 0.01
    walk.finish(1000)
    walk.run()
    walk.begun.clear()
    walk.add(*range(40))
    walk.run()
    assert len(walk.begun) == 1, "the assumed duration, not that of this thought"


def test_thoughts_of_equal_length_end_at_an_even_rate_under_a_backlog() -> None:
    limit, seconds, window = 60, 20.0, 5.0
    walk = Walk(limit)
    walk.add(*range(600))
    begun_at: dict[int, float] = {}
    ends: list[float] = []
    while walk.now < 150:
        walk.now += TICK_SECONDS
        for user in sorted(walk.in_flight):
            if walk.now - begun_at[user] >= seconds:
                walk.finish(user)
                ends.append(walk.now)
        walk.run(rounds=2)
        begun_at |= {user: walk.now for user in walk.begun if user not in begun_at}
    counts = [sum(start <= end < start + window for end in ends) for start in range(25, 145, int(window))]
    even = limit * window / seconds
    assert min(counts) >= 0.9 * even
    assert max(counts) <= 1.1 * even
    assert len(ends) >= limit * (150 - 1.5 * seconds) / seconds


def test_a_head_that_is_locked_while_it_is_in_flight_keeps_the_time_of_its_begin() -> None:
    walk = Walk(limit=10)
    walk.add(1000)
    walk.run()
    walk.now += 4
    walk.lane.wake(UUID(int=1000), walk.now)
    (request,) = walk.lane.due_requests(walk.now)
    walk.lane.decided(make_decision(request.user_id, None, o0="open"), walk.now)
    walk.now += 4
    walk.finish(1000)
    walk.run()
    walk.begun.clear()
    walk.add(*range(40))
    walk.run()
    pass_time(walk, 4.0)
    assert len(walk.begun) == 6, "one at once and 1.25 in each second, because a thought took 8 s"


def test_a_thought_that_is_followed_at_once_by_the_next_of_its_user_is_measured_too() -> None:
    walk = Walk(limit=10)
    walk.add(1000, 1000)
    walk.run()
    walk.now += 8
    walk.finish(1000)
    walk.run()
    assert walk.begun == [1000, 1000]
    walk.begun.clear()
    walk.add(*range(40))
    walk.run()
    pass_time(walk, 4.0)
    assert len(walk.begun) == 6, "one at once and 1.25 in each second, because the first thought took 8 s"
