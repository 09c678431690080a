"""Tests Decide on a real PostgreSQL: its verdicts, which heads it dispatches, and concurrent requests."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from bridge.consumer.decide import DECIDE, decide
from bridge.consumer.protocol import DecideRequest, HeadVersion, RecordVerdict
from bridge.records.types import Record
from contracts.database import Database
from contracts.source_headers import capture_source
from tests.bridge.dead_letter_rows import fail_thought
from tests.bridge.thoughts import (
    add_claimed_thought,
    add_thought,
    add_user,
    decide_once,
    finish_thought,
    record_of,
    thought_row,
    update_thought,
)
from tests.stores import Stores, temporary_database
from tests.transactions import transaction, wait_until_blocking


@pytest.fixture(scope="module")
def database_url(stores: Stores, template: str) -> Iterator[str]:
    with temporary_database(stores, template) as url:
        yield url


def verdicts_by_offset(database: Database, *records: Record) -> dict[int, str]:
    return {verdict.offset: verdict.kind for verdict in decide_once(database, *records).verdicts}


def test_each_record_gets_its_verdict(database: Database, user_id: UUID) -> None:
    done, replayed, waiting = (add_thought(database, user_id) for _ in range(3))
    others_thought, unknown = add_thought(database, add_user(database)), uuid4()
    records = [
        record_of(database, done, 0),
        record_of(database, replayed, 1),
        record_of(database, waiting, 2),
        Record(3, user_id, unknown, 1),
        replace(record_of(database, others_thought, 4), user_id=user_id),
    ]
    finish_thought(database, done)
    fail_and_replay(database, replayed, 44)
    assert verdicts_by_offset(database, *records) == {0: "done", 1: "done", 2: "open", 3: "unknown", 4: "contradicts"}


def fail_and_replay(database: Database, thought: UUID, turn: int) -> None:
    """Write the thought's dead letter, and give the thought another turn."""
    fail_thought(database, thought)
    update_thought(database, thought, turn=turn, status="pending", finished_at=None)


@pytest.mark.parametrize("turn", [1, 9], ids=["smaller", "greater"])
def test_a_record_with_a_turn_that_its_thought_never_had_stays_open(
    database: Database, user_id: UUID, turn: int
) -> None:
    """Any producer may write the header `turn`."""
    add_thought(database, user_id)
    thought = add_thought(database, user_id)
    record = replace(record_of(database, thought), turn=turn)
    decision = decide_once(database, record)
    assert decision.verdicts == (RecordVerdict(0, "open"),)
    assert decision.head is not None


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_decide_dispatches_no_head_without_an_open_record(database: Database, user_id: UUID, status: str) -> None:
    ended, waiting = add_thought(database, user_id), add_thought(database, user_id)
    record = record_of(database, ended)
    finish_thought(database, ended, status)
    decision = decide_once(database, record)
    assert (decision.verdicts, decision.head) == ((RecordVerdict(0, "done"),), None)
    assert thought_row(database, waiting).status == "pending"


def test_decide_dispatches_the_head_of_the_line_whichever_record_asks(database: Database, user_id: UUID) -> None:
    first, _, last = (add_thought(database, user_id) for _ in range(3))
    head = decide_once(database, record_of(database, last)).head
    assert head is not None
    assert (head.thought_id, head.turn, head.needs_dispatch, head.begins) == (first, 1, True, True)
    assert [thought_row(database, thought).status for thought in (first, last)] == ["processing", "pending"]


def test_decide_returns_the_head_as_it_stands_after_the_dispatch(database: Database, user_id: UUID) -> None:
    thought = add_thought(database, user_id, steps_done=2, dispatch_id=7, beat=30)
    head = decide_once(database, record_of(database, thought)).head
    row = thought_row(database, thought)
    assert head is not None
    assert (head.steps_done, head.dispatch_id, head.beat, head.sends, head.in_call, head.losses) == (
        2,
        8,
        31,
        1,
        False,
        0,
    )
    assert (row.steps_done, row.dispatch_id, row.beat, row.sends) == (2, 8, 31, 1)
    assert row.started_at is not None
    assert head.version == HeadVersion(thought, 8, 31)


def test_a_head_in_a_call_is_returned_unchanged(database: Database, user_id: UUID) -> None:
    thought, version = add_claimed_thought(database, user_id)
    update_thought(database, thought, call_id=uuid4(), beat=5)
    for _ in range(2):
        head = decide_once(database, record_of(database, thought)).head
        assert head is not None
        assert (head.in_call, head.needs_dispatch, head.begins, head.beat) == (True, False, False, 5)
        assert head.dispatch_id == version.dispatch_id
    assert thought_row(database, thought).beat == 5


def test_a_locked_head_is_not_returned_and_the_second_of_the_line_is_not_dispatched(
    database: Database, user_id: UUID
) -> None:
    first, second = add_thought(database, user_id), add_thought(database, user_id)
    engine = database.engine.execution_options(isolation_level="READ COMMITTED")
    with engine.connect() as connection, connection.begin():
        connection.execute(text("SELECT 1 FROM thoughts WHERE id = :id FOR UPDATE"), {"id": first})
        decision = decide_once(database, record_of(database, second))
        assert (decision.head, decision.verdicts) == (None, (RecordVerdict(0, "open"),))
    assert {thought_row(database, thought).status for thought in (first, second)} == {"pending"}
    head = decide_once(database, record_of(database, second)).head
    assert head is not None
    assert head.thought_id == first


@pytest.mark.parametrize(
    "assignments",
    ["turn = turn + 10, dispatch_id = dispatch_id + 1", "status = 'completed', finished_at = now()"],
    ids=["failed and replayed", "completed"],
)
def test_a_head_that_finished_or_was_replayed_before_it_was_locked_is_not_returned(
    database: Database, user_id: UUID, monkeypatch: pytest.MonkeyPatch, assignments: str
) -> None:
    """The test adds an advisory lock to the statement, which it waits for between choosing and locking the head."""
    first, _ = add_thought(database, user_id), add_thought(database, user_id)
    choice = "SELECT a.*, h.id, h.turn FROM ask a"
    assert choice in DECIDE.text
    waiting_statement = DECIDE.text.replace(choice, choice.replace(" FROM", ", pg_advisory_xact_lock(4711) FROM"))
    monkeypatch.setattr(DECIDE, "text", waiting_statement)
    with ThreadPoolExecutor(1) as pool:
        with transaction(database) as other:
            other.execute(text("SELECT pg_advisory_xact_lock(4711)"))
            decision = pool.submit(decide_once, database, record_of(database, first))
            wait_until_blocking(database, other)
            database.rows(text(f"UPDATE thoughts SET {assignments} WHERE id = :id RETURNING id"), id=first)
        assert decision.result(30).head is None


def test_a_locked_head_does_not_delay_other_users(database: Database, user_id: UUID) -> None:
    locked, other_user = add_thought(database, user_id), add_user(database)
    free = add_thought(database, other_user)
    records = [record_of(database, locked, 0), record_of(database, free, 1)]
    engine = database.engine.execution_options(isolation_level="READ COMMITTED")
    with engine.connect() as connection, connection.begin():
        connection.execute(text("SELECT 1 FROM thoughts WHERE id = :id FOR UPDATE"), {"id": locked})
        decisions = decide(database, [DecideRequest(record.user_id, (record,), None) for record in records])
    assert {decision.user_id: decision.head is not None for decision in decisions} == {user_id: False, other_user: True}


def test_only_one_of_many_concurrent_bridges_dispatches_a_pending_thought(database: Database) -> None:
    users = [add_user(database) for _ in range(20)]
    records = [record_of(database, add_thought(database, user), n) for n, user in enumerate(users)]
    start = Barrier(4)

    def bridge(_: int) -> list[UUID]:
        start.wait()
        decisions = decide(database, [DecideRequest(record.user_id, (record,), None) for record in records])
        return [decision.user_id for decision in decisions if decision.head and decision.head.needs_dispatch]

    with ThreadPoolExecutor(4) as pool:
        claimed = [user for users_of_bridge in pool.map(bridge, range(4)) for user in users_of_bridge]
    assert sorted(claimed) == sorted(users)
    assert {thought_row(database, record.thought_id).dispatch_id for record in records} == {1}


def test_only_the_first_dispatch_sets_started_at(database: Database, user_id: UUID) -> None:
    thought, version = add_claimed_thought(database, user_id)
    started_at = thought_row(database, thought).started_at
    decide_once(database, record_of(database, thought), expired_version=version)
    assert thought_row(database, thought).started_at == started_at


def test_the_origin_is_that_of_the_thoughts_own_record_and_stays(database: Database, user_id: UUID) -> None:
    thought = add_thought(database, user_id)
    later = add_thought(database, user_id)
    head = decide_once(database, record_of(database, thought, 17), record_of(database, later, 18)).head
    assert head is not None
    assert thought_row(database, thought).origin["offset"] == 17
    later_record = record_of(database, later, 19)
    decide_once(database, later_record, expired_version=head.version)  # takes the same head over
    row = thought_row(database, thought)
    assert (row.sends, row.origin["offset"]) == (2, 17)


def test_the_wait_of_a_retry_is_in_seconds_and_never_negative(database: Database, user_id: UUID) -> None:
    thought, _ = add_claimed_thought(database, user_id)
    assert _wait(database, thought) == 0
    database.rows(text("UPDATE thoughts SET not_before = now() + interval '40 s' WHERE id = :id"), id=thought)
    assert 30 < _wait(database, thought) <= 40
    database.rows(text("UPDATE thoughts SET not_before = now() - interval '40 s' WHERE id = :id"), id=thought)
    assert _wait(database, thought) == 0


def _wait(database: Database, thought: UUID) -> float:
    head = decide_once(database, record_of(database, thought)).head
    assert head is not None
    return head.wait


def test_decide_answers_for_each_of_many_users(database: Database) -> None:
    requests = []
    for number in range(30):
        user = add_user(database)
        thoughts = [add_thought(database, user) for _ in range(4)]
        records = tuple(record_of(database, thought, number * 4 + n) for n, thought in enumerate(thoughts))
        requests.append(DecideRequest(user, records, None))
    decisions = {decision.user_id: decision for decision in decide(database, requests)}
    for request in requests:
        decision = decisions[request.user_id]
        assert decision.head is not None
        assert decision.head.thought_id == request.records[0].thought_id
        assert sorted(v.offset for v in decision.verdicts) == [record.offset for record in request.records]


def test_decide_without_requests_returns_no_decision(database: Database) -> None:
    assert decide(database, []) == []


def test_only_the_head_of_an_external_producers_thought_has_tracing_headers(database: Database, user_id: UUID) -> None:
    external, own = add_thought(database, user_id), add_thought(database, add_user(database))
    stored_headers = capture_source(b"key", [("traceparent", b"00-aa"), ("x", b"1")])
    update_thought(database, external, headers=json.dumps(stored_headers))
    heads = [decide_once(database, record_of(database, thought)).head for thought in (external, own)]
    assert [head and head.tracing for head in heads] == [stored_headers["tracing"], None]
