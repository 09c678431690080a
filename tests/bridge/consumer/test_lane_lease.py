"""Tests how the lane watches a head: when it polls, when a lease expires, and what wake-ups change."""

import pytest

from bridge.consumer.lane import Lane
from bridge.consumer.protocol import Head, HeadVersion
from tests.bridge.lane_examples import ANNA, BERT, make_decision, make_head, make_record, make_unseen_head

LEASE_SECONDS = 20.0


@pytest.fixture
def lane() -> Lane:
    return Lane(0, LEASE_SECONDS)


def watch_head(lane: Lane, head: Head, now: float = 0.0) -> None:
    """Bring the head's user to the phase WATCHING, with one open record at offset 0."""
    lane.add_record(make_record(0, head.user_id))
    lane.due_requests(now)
    lane.decided(make_decision(head.user_id, head, o0="open"), now)
    if head.needs_dispatch:
        lane.dispatched(head, now)


def polled_version(lane: Lane, now: float) -> HeadVersion | None:
    """Start the only request that is due at `now`, and return its expired version."""
    (request,) = lane.due_requests(now)
    return request.expired_version


def test_a_lease_starts_when_the_chain_is_sent_and_not_at_the_decision(lane: Lane) -> None:
    head = make_head(needs_dispatch=True)
    lane.add_record(make_record(0))
    lane.due_requests(0.0)
    lane.decided(make_decision(head=head, o0="open"), 0.0)
    lane.dispatched(head, 100.0)
    for now in (105.0, 110.0, 115.0):
        assert polled_version(lane, now) is None
        lane.decided(make_decision(head=make_head(), o0="open"), now)
    assert lane.due_requests(119.9) == []
    assert polled_version(lane, 120.0) == head.version


def test_a_live_head_is_polled_again_after_a_quarter_of_the_lease(lane: Lane) -> None:
    watch_head(lane, make_head(in_call=True))
    assert lane.due_requests(4.9) == []
    assert polled_version(lane, 5.0) is None


def test_the_lease_of_a_head_with_heartbeats_never_expires(lane: Lane) -> None:
    watch_head(lane, make_head(in_call=True))
    for beat in range(2, 60):
        now = beat * 5.0
        assert polled_version(lane, now) is None
        lane.decided(make_decision(head=make_head(in_call=True, beat=beat), o0="open"), now)


def test_the_lease_of_an_unchanged_head_in_a_call_expires(lane: Lane) -> None:
    head = make_head(in_call=True, sends=6)
    watch_head(lane, head)
    for now in (5.0, 10.0, 15.0):
        assert polled_version(lane, now) is None
        lane.decided(make_decision(head=head, o0="open"), now)
    assert lane.due_requests(19.9) == []
    assert polled_version(lane, 20.0) == head.version


@pytest.mark.parametrize(("sends", "lease"), [(0, 20), (1, 20), (2, 40), (4, 160), (6, 640), (7, 640), (900, 640)])
def test_the_lease_of_a_queued_message_doubles_with_each_send_up_to_a_limit(
    lane: Lane, sends: int, lease: float
) -> None:
    head = make_head(sends=sends)
    watch_head(lane, head)
    assert polled_version(lane, lease - 0.1) is None
    lane.decided(make_decision(head=head, o0="open"), lease - 0.1)
    assert polled_version(lane, lease) == head.version


def test_the_lease_of_a_waiting_retry_starts_after_its_backoff(lane: Lane) -> None:
    watch_head(lane, make_head(wait=60.0))
    expired_versions: dict[float, HeadVersion | None] = {}
    for now in range(1, 81):
        for request in lane.due_requests(float(now)):
            expired_versions[now] = request.expired_version
            lane.decided(make_decision(head=make_head(wait=max(0.0, 60.0 - now)), o0="open"), float(now))
    assert [now for now, version in expired_versions.items() if version] == [80]


def test_a_failed_request_is_repeated_and_restarts_every_lease_of_the_lane(lane: Lane) -> None:
    head, other_head = make_head(in_call=True), make_unseen_head(BERT, in_call=True)
    watch_head(lane, head)
    lane.add_record(make_record(1, BERT))
    lane.due_requests(1.0)
    lane.decided(make_decision(BERT, other_head, o1="open"), 1.0)
    lane.due_requests(19.0)
    lane.decide_failed(19.0)
    assert lane.due_requests(19.1) == []
    assert [request.expired_version for request in lane.due_requests(30.0)] == [None, None]
    lane.decided(make_decision(ANNA, head, o0="open"), 30.0)
    lane.decided(make_decision(BERT, other_head, o1="open"), 30.0)
    expired_versions = [request.expired_version for request in lane.due_requests(39.0)]
    assert expired_versions == [head.version, other_head.version]


def test_a_failed_request_leaves_heads_to_dispatch_unchanged(lane: Lane) -> None:
    head = make_head(needs_dispatch=True)
    lane.add_record(make_record(0))
    lane.due_requests(0.0)
    lane.decided(make_decision(head=head, o0="open"), 0.0)
    lane.decide_failed(1.0)
    assert lane.heads_to_dispatch() == [head]


def test_a_wakeup_of_a_watched_user_causes_a_poll_at_once_and_closes_nothing(lane: Lane) -> None:
    watch_head(lane, make_head(in_call=True))
    lane.wake(ANNA, 1.0)
    assert lane.frontier == 0
    assert polled_version(lane, 1.0) is None


def test_a_wakeup_during_a_request_causes_one_more_poll_right_after_it(lane: Lane) -> None:
    lane.add_record(make_record(0))
    lane.due_requests(0.0)
    lane.wake(ANNA, 0.5)
    lane.decided(make_decision(head=make_head(in_call=True), o0="open"), 1.0)
    assert polled_version(lane, 1.0) is None
    lane.decided(make_decision(head=make_head(in_call=True), o0="open"), 1.0)
    assert lane.due_requests(1.0) == []  # only one more


def test_a_wakeup_during_a_dispatch_causes_a_poll_right_after_it(lane: Lane) -> None:
    head = make_head(needs_dispatch=True)
    lane.add_record(make_record(0))
    lane.due_requests(0.0)
    lane.decided(make_decision(head=head, o0="open"), 0.0)
    lane.wake(ANNA, 0.5)
    lane.dispatched(head, 1.0)
    assert polled_version(lane, 1.0) is None


def test_a_wakeup_of_a_user_that_the_lane_does_not_hold_is_ignored(lane: Lane) -> None:
    lane.wake(ANNA, 0.0)
    assert (lane.users(), lane.due_requests(0.0)) == ([], [])
