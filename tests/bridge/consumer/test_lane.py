"""Tests the lane's transitions one by one: its requests, its work for the driver, and the offsets that it closes."""

from dataclasses import replace
from uuid import UUID

import pytest

from bridge.consumer.lane import LOCKED_HEAD_RETRY_SECONDS, RECORDS_PER_REQUEST, Lane
from bridge.consumer.protocol import (
    AcceptRecord,
    DeadLetterRecord,
    DecideRequest,
    Decision,
    Head,
    HeadVersion,
    RecordVerdict,
)
from bridge.consumer.window import Window
from bridge.records.types import Record
from tests.bridge.lane_examples import ANNA, BERT, make_decision, make_head, make_record

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


def test_a_new_user_is_due_at_once(lane: Lane) -> None:
    record = make_record(0)
    lane.add_record(record)
    assert lane.due_requests(0.0) == [DecideRequest(ANNA, (record,), None)]


def test_a_user_has_only_one_request_in_progress(lane: Lane) -> None:
    lane.add_record(make_record(0))
    lane.due_requests(0.0)
    lane.add_record(make_record(1))
    lane.wake(ANNA, 0.0)
    assert lane.due_requests(1000.0) == []


def test_each_due_user_gets_one_request_with_its_records_in_order(lane: Lane) -> None:
    for offset, user in enumerate((ANNA, BERT, ANNA, BERT)):
        lane.add_record(make_record(offset, user))
    requests = lane.due_requests(0.0)
    offsets = {request.user_id: [record.offset for record in request.records] for request in requests}
    assert offsets == {ANNA: [0, 2], BERT: [1, 3]}


def test_a_request_holds_a_limited_number_of_records_and_the_next_one_the_others(lane: Lane) -> None:
    for offset in range(RECORDS_PER_REQUEST + 3):
        lane.add_record(make_record(offset))
    (request,) = lane.due_requests(0.0)
    assert [record.offset for record in request.records] == list(range(RECORDS_PER_REQUEST))
    lane.decided(Decision(ANNA, tuple(RecordVerdict(n, "done") for n in range(RECORDS_PER_REQUEST)), None), 0.0)
    (next_request,) = lane.due_requests(0.0)
    assert [record.offset for record in next_request.records] == [16, 17, 18]


def test_a_done_record_closes_its_offset_and_the_last_one_ends_the_line(lane: Lane) -> None:
    lane.add_record(make_record(0))
    lane.add_record(make_record(1))
    lane.due_requests(0.0)
    lane.decided(make_decision(o0="done", o1="done"), 0.0)
    assert (lane.frontier, lane.is_idle, lane.users(), lane.due_requests(99.0)) == (2, True, [], [])


def test_the_frontier_stays_at_an_open_record(lane: Lane) -> None:
    lane.add_record(make_record(0, ANNA))
    lane.add_record(make_record(1, BERT))
    lane.due_requests(0.0)
    lane.decided(make_decision(ANNA, make_head(), o0="open"), 0.0)
    lane.decided(make_decision(BERT, None, o1="done"), 0.0)
    assert (lane.frontier, lane.is_idle) == (0, False)


def test_a_record_without_a_turn_is_accepted_before_its_user_is_due(lane: Lane) -> None:
    record = make_record(0, turn=None)
    lane.add_record(record)
    assert lane.due_requests(0.0) == []
    assert lane.next_ingest(0.0) == AcceptRecord(record)
    lane.accepted(record, 7)
    assert lane.next_ingest(0.0) is None
    (request,) = lane.due_requests(0.0)
    assert request.records == (Record(0, ANNA, record.thought_id, 7),)


def test_records_without_a_turn_are_accepted_in_the_order_of_the_log(lane: Lane) -> None:
    records = [make_record(offset, user, None) for offset, user in enumerate((ANNA, BERT, ANNA))]
    for record in records:
        lane.add_record(record)
    offsets = []
    while item := lane.next_ingest(0.0):
        assert lane.next_ingest(0.0) == item  # the same one until its outcome is reported
        offsets.append(item.record.offset)
        lane.accepted(item.record, 1)
    assert offsets == [0, 1, 2]


def test_the_dead_letter_of_an_unreadable_record_closes_its_offset(lane: Lane) -> None:
    unreadable = make_record(0, turn=None)
    lane.add_invalid(unreadable, "the value is not JSON")
    assert lane.next_ingest(0.0) == DeadLetterRecord(unreadable, "unreadable", "the value is not JSON")
    assert lane.frontier == 0
    lane.dead_lettered(unreadable)
    assert (lane.frontier, lane.is_idle, lane.next_ingest(0.0)) == (1, True, None)


def test_a_record_that_cannot_be_accepted_is_dead_lettered_before_the_next_one_is_accepted(lane: Lane) -> None:
    not_acceptable, acceptable = make_record(0, turn=None), make_record(1, BERT, None)
    lane.add_record(not_acceptable)
    lane.add_record(acceptable)
    lane.not_acceptable(not_acceptable, "unknown-user")
    assert lane.next_ingest(0.0) == DeadLetterRecord(not_acceptable, "unknown-user")
    lane.dead_lettered(not_acceptable)
    assert lane.next_ingest(0.0) == AcceptRecord(acceptable)


def test_the_ingest_queue_waits_and_keeps_its_order_while_postgresql_is_unavailable(lane: Lane) -> None:
    lane.add_record(make_record(0, turn=None))
    lane.add_record(make_record(1, turn=None))
    lane.ingest_failed(10.0)
    assert lane.next_ingest(10.1) is None
    item = lane.next_ingest(11.0)
    assert item is not None
    assert item.record.offset == 0


def test_a_record_of_an_unknown_thought_is_accepted_and_a_contradicting_one_is_dead_lettered(lane: Lane) -> None:
    unknown, contradicting = make_record(0), make_record(1)
    lane.add_record(unknown)
    lane.add_record(contradicting)
    lane.due_requests(0.0)
    lane.decided(make_decision(o1="contradicts", o0="unknown"), 0.0)
    assert lane.next_ingest(0.0) == AcceptRecord(unknown)
    lane.accepted(unknown, 3)
    assert lane.next_ingest(0.0) == DeadLetterRecord(contradicting, "contradicts")
    lane.dead_lettered(contradicting)
    assert lane.frontier == 0
    (request,) = lane.due_requests(0.0)
    assert [record.turn for record in request.records] == [3]


def test_a_line_with_an_open_record_and_no_head_is_polled_again_soon(lane: Lane) -> None:
    lane.add_record(make_record(0))
    lane.due_requests(0.0)
    lane.decided(make_decision(o0="open"), 0.0)
    assert lane.due_requests(LOCKED_HEAD_RETRY_SECONDS - 0.01) == []
    assert polled_version(lane, LOCKED_HEAD_RETRY_SECONDS) is None


def test_an_answer_without_a_head_ends_the_lease(lane: Lane) -> None:
    head = make_head(in_call=True)
    watch_head(lane, head)
    lane.due_requests(19.0)
    lane.decided(make_decision(o0="open"), 19.0)
    lane.due_requests(19.5)
    lane.decided(make_decision(head=head, o0="open"), 19.5)
    assert polled_version(lane, 30.0) is None


def test_a_head_is_dispatched_again_until_its_chain_is_sent(lane: Lane) -> None:
    head = make_head(needs_dispatch=True, begins=True)
    lane.add_record(make_record(0))
    lane.due_requests(0.0)
    lane.decided(make_decision(head=head, o0="open"), 0.0)
    assert lane.heads_to_dispatch() == [head]
    assert lane.heads_to_dispatch() == [head]
    assert lane.due_requests(1000.0) == []
    lane.dispatched(head, 1000.0)
    assert lane.heads_to_dispatch() == []


def test_an_answer_without_a_request_is_ignored(lane: Lane) -> None:
    lane.decided(make_decision(o0="done"), 0.0)
    lane.dispatched(make_head(), 0.0)
    watch_head(lane, make_head(in_call=True))
    lane.decided(make_decision(o0="done"), 1.0)
    assert lane.frontier == 0


def test_a_lane_full_of_users_has_room_again_when_a_fifth_is_free() -> None:
    lane = Lane(0, LEASE_SECONDS, Window(users=5, records=1000))
    for offset in range(5):
        assert not lane.is_full
        lane.add_record(make_record(offset, UUID(int=offset + 1)))
    assert (lane.is_full, lane.has_room) == (True, False)
    lane.due_requests(0.0)
    lane.decided(make_decision(UUID(int=5), None, o4="done"), 0.0)
    assert (lane.is_full, lane.has_room) == (False, True)


def test_one_users_backlog_fills_the_lane_with_records_only() -> None:
    lane = Lane(0, LEASE_SECONDS, Window(users=5, records=10))
    for offset in range(10):
        assert not lane.is_full
        lane.add_record(make_record(offset, ANNA))
    assert (lane.is_full, lane.has_room) == (True, False)
    lane.due_requests(0.0)
    lane.decided(make_decision(o0="done", o1="done", o2="open"), 0.0)
    assert (lane.is_full, lane.has_room) == (False, True)


def test_a_lane_full_of_bytes_has_room_again_when_a_fifth_is_free() -> None:
    lane = Lane(0, LEASE_SECONDS, Window(users=5, records=1000, bytes=100))
    for offset, size in enumerate((60, 19, 21)):
        assert not lane.is_full
        lane.add_record(replace(make_record(offset, ANNA), size=size))
    assert (lane.is_full, lane.has_room) == (True, False)
    lane.due_requests(0.0)
    lane.decided(make_decision(o0="open", o1="done", o2="open"), 0.0)
    assert (lane.is_full, lane.has_room) == (False, False)
    lane.wake(ANNA, 0.0)
    lane.due_requests(0.0)
    lane.decided(make_decision(o0="open", o2="done"), 0.0)
    assert (lane.is_full, lane.has_room) == (False, True)


def test_records_in_the_ingest_queue_count_towards_the_window() -> None:
    lane = Lane(0, LEASE_SECONDS, Window(users=5, records=3))
    for offset in range(3):
        lane.add_invalid(make_record(offset, turn=None), "unreadable")
    assert lane.is_full
