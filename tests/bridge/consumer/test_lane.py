"""The lane's state table, row by row: which question, which work, and which offsets are done."""

from dataclasses import replace
from uuid import UUID

import pytest

from bridge.consumer.lane import LOCKED_HEAD_RETRY_SECONDS, RECORDS_PER_REQUEST, Lane, Window
from bridge.consumer.protocol import (
    AcceptRecord,
    DeadLetterRecord,
    DecideRequest,
    Decision,
    Head,
    HeadVersion,
    RecordVerdict,
)
from bridge.records.types import Record
from tests.bridge.lane_examples import ANNA, BERT, a_head, a_record, an_answer

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


def test_a_new_user_is_asked_about_at_once(lane: Lane) -> None:
    record = a_record(0)
    lane.add_record(record)
    assert lane.due_requests(0.0) == [DecideRequest(ANNA, (record,), None)]


def test_a_user_is_not_asked_about_twice_at_the_same_time(lane: Lane) -> None:
    lane.add_record(a_record(0))
    lane.due_requests(0.0)
    lane.add_record(a_record(1))
    lane.wake(ANNA, 0.0)
    assert lane.due_requests(1000.0) == []


def test_many_users_are_asked_about_in_one_tick_each_once_with_their_records_in_order(lane: Lane) -> None:
    for offset, user in enumerate((ANNA, BERT, ANNA, BERT)):
        lane.add_record(a_record(offset, user))
    asked = {ask.user_id: [record.offset for record in ask.records] for ask in lane.due_requests(0.0)}
    assert asked == {ANNA: [0, 2], BERT: [1, 3]}


def test_a_question_holds_a_bounded_number_of_records_and_the_rest_comes_with_the_next(lane: Lane) -> None:
    for offset in range(RECORDS_PER_REQUEST + 3):
        lane.add_record(a_record(offset))
    (ask,) = lane.due_requests(0.0)
    assert [record.offset for record in ask.records] == list(range(RECORDS_PER_REQUEST))
    lane.decided(Decision(ANNA, tuple(RecordVerdict(n, "done") for n in range(RECORDS_PER_REQUEST)), None), 0.0)
    (following,) = lane.due_requests(0.0)
    assert [record.offset for record in following.records] == [16, 17, 18]


def test_done_records_are_closed_and_the_user_is_forgotten_with_the_last(lane: Lane) -> None:
    lane.add_record(a_record(0))
    lane.add_record(a_record(1))
    lane.due_requests(0.0)
    lane.decided(an_answer(o0="done", o1="done"), 0.0)
    assert (lane.frontier, lane.is_idle, lane.users(), lane.due_requests(99.0)) == (2, True, [], [])


def test_an_open_record_keeps_its_offset_and_those_behind_it_back(lane: Lane) -> None:
    lane.add_record(a_record(0, ANNA))
    lane.add_record(a_record(1, BERT))
    lane.due_requests(0.0)
    lane.decided(an_answer(ANNA, a_head(), o0="open"), 0.0)
    lane.decided(an_answer(BERT, None, o1="done"), 0.0)
    assert (lane.frontier, lane.is_idle) == (0, False)


def test_a_record_without_a_turn_is_stored_before_anything_is_asked(lane: Lane) -> None:
    foreign = a_record(0, turn=None)
    lane.add_record(foreign)
    assert lane.due_requests(0.0) == []
    assert lane.next_ingest(0.0) == AcceptRecord(foreign)
    lane.accepted(foreign, 7)
    assert lane.next_ingest(0.0) is None
    (ask,) = lane.due_requests(0.0)
    assert ask.records == (Record(0, ANNA, foreign.thought_id, 7),)


def test_foreign_records_wait_their_turn_in_the_order_of_the_log(lane: Lane) -> None:
    records = [a_record(offset, user, None) for offset, user in enumerate((ANNA, BERT, ANNA))]
    for record in records:
        lane.add_record(record)
    order = []
    while item := lane.next_ingest(0.0):
        assert lane.next_ingest(0.0) == item  # the same again until it is answered
        order.append(item.record.offset)
        lane.accepted(item.record, 1)
    assert order == [0, 1, 2]


def test_an_unreadable_record_is_buried_and_then_its_offset_is_done(lane: Lane) -> None:
    broken = a_record(0, turn=None)
    lane.add_invalid(broken, "the value is not JSON")
    assert lane.next_ingest(0.0) == DeadLetterRecord(broken, "unreadable", "the value is not JSON")
    assert lane.frontier == 0
    lane.dead_lettered(broken)
    assert (lane.frontier, lane.is_idle, lane.next_ingest(0.0)) == (1, True, None)


def test_a_record_that_cannot_be_stored_is_buried_before_the_next_one_is_looked_at(lane: Lane) -> None:
    stranger, following = a_record(0, turn=None), a_record(1, BERT, None)
    lane.add_record(stranger)
    lane.add_record(following)
    lane.not_acceptable(stranger, "unknown-user")
    assert lane.next_ingest(0.0) == DeadLetterRecord(stranger, "unknown-user")
    lane.dead_lettered(stranger)
    assert lane.next_ingest(0.0) == AcceptRecord(following)


def test_the_intake_waits_while_postgresql_is_away_and_keeps_its_order(lane: Lane) -> None:
    lane.add_record(a_record(0, turn=None))
    lane.add_record(a_record(1, turn=None))
    lane.ingest_failed(10.0)
    assert lane.next_ingest(10.1) is None
    item = lane.next_ingest(11.0)
    assert item is not None
    assert item.record.offset == 0


def test_an_unknown_thought_is_stored_and_one_that_contradicts_is_buried(lane: Lane) -> None:
    unknown, forged = a_record(0), a_record(1)
    lane.add_record(unknown)
    lane.add_record(forged)
    lane.due_requests(0.0)
    lane.decided(an_answer(o1="contradicts", o0="unknown"), 0.0)
    assert lane.next_ingest(0.0) == AcceptRecord(unknown)
    lane.accepted(unknown, 3)
    assert lane.next_ingest(0.0) == DeadLetterRecord(forged, "contradicts")
    lane.dead_lettered(forged)
    assert lane.frontier == 0
    (ask,) = lane.due_requests(0.0)
    assert [record.turn for record in ask.records] == [3]


def test_no_head_is_never_taken_for_an_empty_line_but_asked_again_soon(lane: Lane) -> None:
    lane.add_record(a_record(0))
    lane.due_requests(0.0)
    lane.decided(an_answer(o0="open"), 0.0)
    assert lane.due_requests(LOCKED_HEAD_RETRY_SECONDS - 0.01) == []
    assert looks_at(lane, LOCKED_HEAD_RETRY_SECONDS) is None


def test_no_head_forgets_what_was_watched(lane: Lane) -> None:
    head = a_head(in_call=True)
    watching(lane, head)
    lane.due_requests(19.0)
    lane.decided(an_answer(o0="open"), 19.0)
    lane.due_requests(19.5)
    lane.decided(an_answer(head=head, o0="open"), 19.5)
    assert looks_at(lane, 30.0) is None


def test_a_dispatched_head_is_to_be_sent_until_it_is_sent(lane: Lane) -> None:
    head = a_head(dispatched=True, begins=True)
    lane.add_record(a_record(0))
    lane.due_requests(0.0)
    lane.decided(an_answer(head=head, o0="open"), 0.0)
    assert lane.heads_to_dispatch() == [head]
    assert lane.heads_to_dispatch() == [head]
    assert lane.due_requests(1000.0) == []
    lane.dispatched(head, 1000.0)
    assert lane.heads_to_dispatch() == []


def test_answers_nobody_asked_for_change_nothing(lane: Lane) -> None:
    lane.decided(an_answer(o0="done"), 0.0)
    lane.dispatched(a_head(), 0.0)
    watching(lane, a_head(in_call=True))
    lane.decided(an_answer(o0="done"), 1.0)
    assert lane.frontier == 0


def test_a_lane_is_full_by_users_and_has_room_when_a_fifth_is_free() -> None:
    lane = Lane(0, PATIENCE, Window(users=5, records=1000))
    for offset in range(5):
        assert not lane.is_full
        lane.add_record(a_record(offset, UUID(int=offset + 1)))
    assert (lane.is_full, lane.has_room) == (True, False)
    lane.due_requests(0.0)
    lane.decided(an_answer(UUID(int=5), None, o4="done"), 0.0)
    assert (lane.is_full, lane.has_room) == (False, True)


def test_one_users_backlog_fills_the_lane_by_records_only() -> None:
    lane = Lane(0, PATIENCE, Window(users=5, records=10))
    for offset in range(10):
        assert not lane.is_full
        lane.add_record(a_record(offset, ANNA))
    assert (lane.is_full, lane.has_room) == (True, False)
    lane.due_requests(0.0)
    lane.decided(an_answer(o0="done", o1="done", o2="open"), 0.0)
    assert (lane.is_full, lane.has_room) == (False, True)


def test_a_lane_is_full_of_large_records_and_has_room_when_a_fifth_of_their_bytes_is_free() -> None:
    lane = Lane(0, PATIENCE, Window(users=5, records=1000, bytes=100))
    for offset, size in enumerate((60, 19, 21)):
        assert not lane.is_full
        lane.add_record(replace(a_record(offset, ANNA), size=size))
    assert (lane.is_full, lane.has_room) == (True, False)
    lane.due_requests(0.0)
    lane.decided(an_answer(o0="open", o1="done", o2="open"), 0.0)
    assert (lane.is_full, lane.has_room) == (False, False)
    lane.wake(ANNA, 0.0)
    lane.due_requests(0.0)
    lane.decided(an_answer(o0="open", o2="done"), 0.0)
    assert (lane.is_full, lane.has_room) == (False, True)


def test_records_that_wait_to_be_stored_fill_the_lane_too() -> None:
    lane = Lane(0, PATIENCE, Window(users=5, records=3))
    for offset in range(3):
        lane.add_invalid(a_record(offset, turn=None), "broken")
    assert lane.is_full
