"""The lane's watching: when it looks again, when silence is silence, and what news change."""

import pytest

from bridge.consumer.lane import Lane
from bridge.consumer.protocol import Head, HeadVersion
from tests.bridge.lane_examples import ANNA, BERT, a_fresh_head, a_head, a_record, an_answer

PATIENCE = 20.0


@pytest.fixture
def lane() -> Lane:
    return Lane(0, PATIENCE)


def watching(lane: Lane, head: Head, now: float = 0.0) -> None:
    """Bring the head's user to the state of watching, with one record open at offset 0."""
    lane.add_record(a_record(0, head.user_id))
    lane.due_requests(now)
    lane.decided(an_answer(head.user_id, head, o0="open"), now)
    if head.dispatched:
        lane.dispatched(head, now)


def looks_at(lane: Lane, now: float) -> HeadVersion | None:
    """The watch handed out as seen when PostgreSQL is asked about the one user at `now`."""
    (ask,) = lane.due_requests(now)
    return ask.expired_version


def test_silence_counts_from_the_sending_and_not_from_the_decision(lane: Lane) -> None:
    head = a_head(dispatched=True)
    lane.add_record(a_record(0))
    lane.due_requests(0.0)
    lane.decided(an_answer(head=head, o0="open"), 0.0)
    lane.dispatched(head, 100.0)
    for now in (105.0, 110.0, 115.0):
        assert looks_at(lane, now) is None
        lane.decided(an_answer(head=a_head(), o0="open"), now)
    assert lane.due_requests(119.9) == []
    assert looks_at(lane, 120.0) == head.version


def test_a_live_head_is_looked_at_again_after_five_seconds(lane: Lane) -> None:
    watching(lane, a_head(in_call=True))
    assert lane.due_requests(4.9) == []
    assert looks_at(lane, 5.0) is None


def test_a_head_that_beats_is_never_handed_out_as_seen(lane: Lane) -> None:
    watching(lane, a_head(in_call=True))
    for beat in range(2, 60):
        now = beat * 5.0
        assert looks_at(lane, now) is None
        lane.decided(an_answer(head=a_head(in_call=True, beat=beat), o0="open"), now)


def test_a_head_in_a_call_is_seen_silent_after_the_patience(lane: Lane) -> None:
    head = a_head(in_call=True, sends=6)
    watching(lane, head)
    for now in (5.0, 10.0, 15.0):
        assert looks_at(lane, now) is None
        lane.decided(an_answer(head=head, o0="open"), now)
    assert lane.due_requests(19.9) == []
    assert looks_at(lane, 20.0) == head.version


@pytest.mark.parametrize(("sends", "patience"), [(0, 20), (1, 20), (2, 40), (4, 160), (6, 640), (7, 640), (900, 640)])
def test_patience_for_a_waiting_message_doubles_with_the_sendings_and_is_capped(
    lane: Lane, sends: int, patience: float
) -> None:
    head = a_head(sends=sends)
    watching(lane, head)
    assert looks_at(lane, patience - 0.1) is None
    lane.decided(an_answer(head=head, o0="open"), patience - 0.1)
    assert looks_at(lane, patience) == head.version


def test_a_retry_that_waits_is_not_silent_before_its_time_and_a_whole_patience_after_it(lane: Lane) -> None:
    watching(lane, a_head(wait=60.0))
    seen: dict[float, HeadVersion | None] = {}
    for now in range(1, 81):
        for ask in lane.due_requests(float(now)):
            seen[now] = ask.expired_version
            lane.decided(an_answer(head=a_head(wait=max(0.0, 60.0 - now)), o0="open"), float(now))
    assert [now for now, watch in seen.items() if watch] == [80]


def test_a_failed_question_is_asked_again_and_begins_every_watch_of_the_lane_anew(lane: Lane) -> None:
    head, other = a_head(in_call=True), a_fresh_head(BERT, in_call=True)
    watching(lane, head)
    lane.add_record(a_record(1, BERT))
    lane.due_requests(1.0)
    lane.decided(an_answer(BERT, other, o1="open"), 1.0)
    lane.due_requests(19.0)
    lane.decide_failed(19.0)
    assert lane.due_requests(19.1) == []
    assert [ask.expired_version for ask in lane.due_requests(30.0)] == [None, None]
    lane.decided(an_answer(ANNA, head, o0="open"), 30.0)
    lane.decided(an_answer(BERT, other, o1="open"), 30.0)
    assert [ask.expired_version for ask in lane.due_requests(39.0)] == [head.version, other.version]


def test_a_failed_question_about_one_leaves_the_sending_of_another_as_it_is(lane: Lane) -> None:
    head = a_head(dispatched=True)
    lane.add_record(a_record(0))
    lane.due_requests(0.0)
    lane.decided(an_answer(head=head, o0="open"), 0.0)
    lane.decide_failed(1.0)
    assert lane.heads_to_dispatch() == [head]


def test_news_of_a_watched_user_is_looked_at_at_once_and_closes_nothing(lane: Lane) -> None:
    watching(lane, a_head(in_call=True))
    lane.wake(ANNA, 1.0)
    assert lane.frontier == 0
    assert looks_at(lane, 1.0) is None


def test_news_during_a_question_asks_again_right_after_it(lane: Lane) -> None:
    lane.add_record(a_record(0))
    lane.due_requests(0.0)
    lane.wake(ANNA, 0.5)
    lane.decided(an_answer(head=a_head(in_call=True), o0="open"), 1.0)
    assert looks_at(lane, 1.0) is None
    lane.decided(an_answer(head=a_head(in_call=True), o0="open"), 1.0)
    assert lane.due_requests(1.0) == []  # once


def test_news_during_a_sending_asks_again_right_after_it(lane: Lane) -> None:
    head = a_head(dispatched=True)
    lane.add_record(a_record(0))
    lane.due_requests(0.0)
    lane.decided(an_answer(head=head, o0="open"), 0.0)
    lane.wake(ANNA, 0.5)
    lane.dispatched(head, 1.0)
    assert looks_at(lane, 1.0) is None


def test_news_of_a_user_the_lane_does_not_hold_is_nothing(lane: Lane) -> None:
    lane.wake(ANNA, 0.0)
    assert (lane.users(), lane.due_requests(0.0)) == ([], [])
