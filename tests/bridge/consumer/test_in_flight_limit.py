import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.consumer.in_flight_limit import (
    MIN_LIMIT,
    Knowledge,
    SlotCount,
    fair_shares,
    slots_by_worker,
    total_limit,
    users_of_other_bridges,
)
from contracts.presence import ProcessReport, SeenProcess

DEMANDS = st.lists(st.integers(0, 2000), min_size=1, max_size=12)


def test_the_limit_is_a_tenth_above_the_slots() -> None:
    assert [total_limit(slots) for slots in (0, 1, 40, 600)] == [0, 2, 44, 660]


@pytest.mark.parametrize(
    ("total", "demands", "shares"),
    [
        (60, [100, 100, 100], [20, 20, 20]),
        (60, [10, 100, 100], [10, 25, 25]),
        (60, [100, 0, 0], [60, 0, 0]),
        (60, [5, 6, 7], [5, 6, 7]),
        (2, [9, 9, 9, 9], [1, 1, 1, 1]),
        (0, [3, 0], [1, 0]),
    ],
)
def test_what_one_does_not_demand_the_others_get(total: int, demands: list[int], shares: list[int]) -> None:
    assert fair_shares(total, demands) == shares


@settings(max_examples=500, derandomize=True)
@given(st.integers(0, 3000), DEMANDS)
def test_shares_use_the_total_fairly(total: int, demands: list[int]) -> None:
    shares = fair_shares(total, demands)
    assert all(share <= demand for share, demand in zip(shares, demands, strict=True))
    assert all(share >= 1 for share, demand in zip(shares, demands, strict=True) if demand)
    assert sum(shares) <= max(total, sum(1 for demand in demands if demand))
    assert sum(shares) >= min(total, sum(demands))
    refused = [share for share, demand in zip(shares, demands, strict=True) if share < demand]
    assert all(share <= min(refused) + 1 for share in shares if refused)


@settings(max_examples=200, derandomize=True)
@given(st.integers(1, 600), DEMANDS)
def test_the_limits_that_bridges_compute_alone_add_up(slots: int, users: list[int]) -> None:
    limits = [Knowledge(slots, tuple(users[:index] + users[index + 1 :])).limit(own) for index, own in enumerate(users)]
    assert sum(limits) <= total_limit(slots) + len(users)


def test_a_bridge_that_knows_of_no_worker_lets_a_few_thoughts_begin() -> None:
    assert Knowledge().limit(1000) == MIN_LIMIT


def test_a_worker_that_is_gone_counts_until_the_leases_of_its_calls_have_expired() -> None:
    count = SlotCount(lease_seconds=20.0)
    assert count.observe({"a": 40, "b": 40}, 0.0) == 80
    assert count.observe({"b": 40, "c": 4}, 19.0) == 84
    assert count.observe({"b": 40, "c": 4}, 20.0) == 44


def test_a_worker_that_changes_its_slots_counts_once() -> None:
    count = SlotCount(lease_seconds=20.0)
    count.observe({"a": 40}, 0.0)
    assert count.observe({"a": 8}, 1.0) == 8


def test_only_the_workers_of_the_usual_queue_are_counted_and_only_other_bridges() -> None:
    seen = [
        SeenProcess(ProcessReport("worker", "w", slots=40), 0.0),
        SeenProcess(ProcessReport("solo", "s", slots=1), 0.0),
        SeenProcess(ProcessReport("bridge", "own", lines=3), 0.0),
        SeenProcess(ProcessReport("bridge", "other", lines=7), 0.0),
        SeenProcess(ProcessReport("web", "web"), 0.0),
    ]
    assert slots_by_worker(seen) == {"w": 40}
    assert users_of_other_bridges(seen, "own") == (7,)
