"""Decide on a real PostgreSQL: its verdicts, whom it takes, and what two who ask at once are told."""

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
from tests.bridge.dead_letter_rows import fail
from tests.bridge.thoughts import a_doorbell, add_thought, add_user, ask_once, change, end, row, taken
from tests.stores import Stores, a_database
from tests.transactions import transaction, until_awaited


@pytest.fixture(scope="module")
def database_url(stores: Stores, template: str) -> Iterator[str]:
    with a_database(stores, template) as url:
        yield url


def words(database: Database, *records: Record) -> dict[int, str]:
    return {verdict.offset: verdict.kind for verdict in ask_once(database, *records).verdicts}


def test_each_record_gets_its_verdict(database: Database, user_id: UUID) -> None:
    done, replayed, waiting = (add_thought(database, user_id) for _ in range(3))
    stranger, another = add_user(database), uuid4()
    theirs = add_thought(database, stranger)
    records = [
        a_doorbell(database, done, 0),
        a_doorbell(database, replayed, 1),
        a_doorbell(database, waiting, 2),
        Record(3, user_id, another, 1),
        replace(a_doorbell(database, theirs, 4), user_id=user_id),
    ]
    end(database, done)
    failed_and_replayed(database, replayed, 44)
    assert words(database, *records) == {0: "done", 1: "done", 2: "open", 3: "unknown", 4: "contradicts"}


def failed_and_replayed(database: Database, thought: UUID, turn: int) -> None:
    """The thought has its dead letter, and another turn since."""
    fail(database, thought)
    change(database, thought, turn=turn, status="pending", finished_at=None)


@pytest.mark.parametrize("turn", [1, 9], ids=["smaller", "greater"])
def test_a_record_of_a_turn_that_its_thought_never_had_is_not_done(
    database: Database, user_id: UUID, turn: int
) -> None:
    """Another producer may write anything there: the offset of an open thought stays open."""
    add_thought(database, user_id)
    thought = add_thought(database, user_id)
    record = replace(a_doorbell(database, thought), turn=turn)
    decision = ask_once(database, record)
    assert decision.verdicts == (RecordVerdict(0, "open"),)
    assert decision.head is not None


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_without_an_open_record_nobody_is_taken(database: Database, user_id: UUID, status: str) -> None:
    ended, waiting = add_thought(database, user_id), add_thought(database, user_id)
    record = a_doorbell(database, ended)
    end(database, ended, status)
    decision = ask_once(database, record)
    assert (decision.verdicts, decision.head) == ((RecordVerdict(0, "done"),), None)
    assert row(database, waiting).status == "pending"


def test_whichever_record_rings_the_head_of_the_line_is_taken(database: Database, user_id: UUID) -> None:
    first, _, last = (add_thought(database, user_id) for _ in range(3))
    head = ask_once(database, a_doorbell(database, last)).head
    assert head is not None
    assert (head.thought_id, head.turn, head.dispatched, head.begins) == (first, 1, True, True)
    assert [row(database, one).status for one in (first, last)] == ["processing", "pending"]


def test_the_head_is_told_as_it_stands_after_it_was_taken(database: Database, user_id: UUID) -> None:
    thought = add_thought(database, user_id, steps_done=2, dispatch_id=7, beat=30)
    head = ask_once(database, a_doorbell(database, thought)).head
    stands = row(database, thought)
    assert head is not None
    assert (head.steps_done, head.dispatch_id, head.beat, head.sends, head.in_call, head.losses) == (
        2,
        8,
        31,
        1,
        False,
        0,
    )
    assert (stands.steps_done, stands.dispatch_id, stands.beat, stands.sends) == (2, 8, 31, 1)
    assert stands.started_at is not None
    assert head.version == HeadVersion(thought, 8, 31)


def test_a_head_at_work_is_told_and_left_alone(database: Database, user_id: UUID) -> None:
    thought, watch = taken(database, user_id)
    change(database, thought, call_id=uuid4(), beat=5)
    for _ in range(2):
        head = ask_once(database, a_doorbell(database, thought)).head
        assert head is not None
        assert (head.in_call, head.dispatched, head.begins, head.beat) == (True, False, False, 5)
        assert head.dispatch_id == watch.dispatch_id
    assert row(database, thought).beat == 5


def test_a_locked_head_is_no_head_and_the_second_in_line_is_not_handed_out(database: Database, user_id: UUID) -> None:
    first, second = add_thought(database, user_id), add_thought(database, user_id)
    holding = database.engine.execution_options(isolation_level="READ COMMITTED")
    with holding.connect() as other, other.begin():
        other.execute(text("SELECT 1 FROM thoughts WHERE id = :id FOR UPDATE"), {"id": first})
        decision = ask_once(database, a_doorbell(database, second))
        assert (decision.head, decision.verdicts) == (None, (RecordVerdict(0, "open"),))
    assert {row(database, one).status for one in (first, second)} == {"pending"}
    head = ask_once(database, a_doorbell(database, second)).head
    assert head is not None
    assert head.thought_id == first


@pytest.mark.parametrize(
    "moved",
    ["turn = turn + 10, dispatch_id = dispatch_id + 1", "status = 'completed', finished_at = now()"],
    ids=["failed and replayed", "ended"],
)
def test_a_head_that_moved_on_between_choice_and_lock_is_no_head(
    database: Database, user_id: UUID, monkeypatch: pytest.MonkeyPatch, moved: str
) -> None:
    """The question waits in between, for a lock that is no part of it."""
    first, _ = add_thought(database, user_id), add_thought(database, user_id)
    choice = "SELECT a.*, h.id, h.turn FROM ask a"
    assert choice in DECIDE.text
    waits = DECIDE.text.replace(choice, choice.replace(" FROM", ", pg_advisory_xact_lock(4711) FROM"))
    monkeypatch.setattr(DECIDE, "text", waits)
    with ThreadPoolExecutor(1) as pool:
        with transaction(database) as other:
            other.execute(text("SELECT pg_advisory_xact_lock(4711)"))
            asked = pool.submit(ask_once, database, a_doorbell(database, first))
            until_awaited(database, other)
            database.rows(text(f"UPDATE thoughts SET {moved} WHERE id = :id RETURNING id"), id=first)
        assert asked.result(30).head is None


def test_one_locked_head_keeps_nobody_else_waiting(database: Database, user_id: UUID) -> None:
    locked, other_user = add_thought(database, user_id), add_user(database)
    free = add_thought(database, other_user)
    records = [a_doorbell(database, locked, 0), a_doorbell(database, free, 1)]
    holding = database.engine.execution_options(isolation_level="READ COMMITTED")
    with holding.connect() as other, other.begin():
        other.execute(text("SELECT 1 FROM thoughts WHERE id = :id FOR UPDATE"), {"id": locked})
        found = decide(database, [DecideRequest(record.user_id, (record,), None) for record in records])
    assert {one.user_id: one.head is not None for one in found} == {user_id: False, other_user: True}


def test_a_pending_thought_is_taken_by_one_of_many_bridges_at_once(database: Database) -> None:
    users = [add_user(database) for _ in range(20)]
    records = [a_doorbell(database, add_thought(database, user), n) for n, user in enumerate(users)]
    start = Barrier(4)

    def bridge(_: int) -> list[UUID]:
        start.wait()
        found = decide(database, [DecideRequest(record.user_id, (record,), None) for record in records])
        return [one.user_id for one in found if one.head and one.head.dispatched]

    with ThreadPoolExecutor(4) as pool:
        took = [user for users_of_one in pool.map(bridge, range(4)) for user in users_of_one]
    assert sorted(took) == sorted(users)
    assert {row(database, record.thought_id).dispatch_id for record in records} == {1}


def test_a_silent_head_is_taken_over_by_one_of_many_bridges_at_once(database: Database, user_id: UUID) -> None:
    thought, watch = taken(database, user_id)
    record, start = a_doorbell(database, thought), Barrier(4)

    def bridge(_: int) -> bool:
        start.wait()
        head = ask_once(database, record, seen=watch).head
        return head is not None and head.dispatched

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(bridge, range(4))) == 1
    assert row(database, thought).sends == 2


@pytest.mark.parametrize(
    "other", [{"dispatch_id": 99}, {"beat": 99}, {"thought_id": UUID(int=5)}], ids=["token", "beat", "thought"]
)
def test_a_head_that_is_not_what_was_watched_is_not_taken_over(
    database: Database, user_id: UUID, other: dict[str, UUID | int]
) -> None:
    thought, watch = taken(database, user_id)
    before = row(database, thought)
    seen = HeadVersion(**{"thought_id": watch.thought_id, "dispatch_id": watch.dispatch_id, "beat": watch.beat} | other)  # type: ignore[arg-type]
    head = ask_once(database, a_doorbell(database, thought), seen=seen).head
    assert head is not None
    assert not head.dispatched
    assert row(database, thought) == before


def test_a_silent_head_in_a_call_gets_a_new_token_and_counts_a_loss(database: Database, user_id: UUID) -> None:
    thought, watch = taken(database, user_id)
    change(database, thought, call_id=uuid4(), attempts=2, sends=5, steps_done=3)
    head = ask_once(database, a_doorbell(database, thought), seen=watch).head
    stands = row(database, thought)
    assert head is not None
    assert (head.dispatched, head.begins, head.in_call) == (True, False, False)
    assert (head.dispatch_id, head.losses, head.sends, head.steps_done) == (watch.dispatch_id + 1, 1, 1, 3)
    assert (stands.dispatch_id, stands.losses, stands.sends, stands.call_id) == (watch.dispatch_id + 1, 1, 1, None)
    assert (stands.attempts, stands.beat) == (2, watch.beat + 1)


def test_a_silent_head_that_waits_in_a_queue_keeps_its_token_and_counts_a_sending(
    database: Database, user_id: UUID
) -> None:
    thought, watch = taken(database, user_id)
    head = ask_once(database, a_doorbell(database, thought), seen=watch).head
    assert head is not None
    assert (head.dispatched, head.begins, head.sends, head.losses) == (True, False, 2, 0)
    assert head.dispatch_id == watch.dispatch_id == row(database, thought).dispatch_id
    again = ask_once(database, a_doorbell(database, thought), seen=head.version).head
    assert again is not None
    assert (again.sends, again.beat) == (3, head.beat + 1)


def test_the_same_question_after_a_lost_answer_takes_nothing_twice(database: Database, user_id: UUID) -> None:
    thought, watch = taken(database, user_id)
    record = a_doorbell(database, thought)
    ask_once(database, record, seen=watch)
    after = row(database, thought)
    head = ask_once(database, record, seen=watch).head
    assert head is not None
    assert not head.dispatched
    assert row(database, thought) == after


def test_started_at_is_set_by_the_first_take_only(database: Database, user_id: UUID) -> None:
    thought, watch = taken(database, user_id)
    first = row(database, thought).started_at
    ask_once(database, a_doorbell(database, thought), seen=watch)
    assert row(database, thought).started_at == first


def test_the_origin_is_that_of_the_thoughts_own_record_and_is_kept(database: Database, user_id: UUID) -> None:
    thought = add_thought(database, user_id)
    later = add_thought(database, user_id)
    head = ask_once(database, a_doorbell(database, thought, 17), a_doorbell(database, later, 18)).head
    assert head is not None
    assert row(database, thought).origin["offset"] == 17
    ask_once(database, a_doorbell(database, later, 19), seen=head.version)  # another record rings for the same head
    stands = row(database, thought)
    assert (stands.sends, stands.origin["offset"]) == (2, 17)


def test_the_wait_of_a_retry_is_told_in_seconds_and_never_negative(database: Database, user_id: UUID) -> None:
    thought, _ = taken(database, user_id)
    assert _wait(database, thought) == 0
    database.rows(text("UPDATE thoughts SET not_before = now() + interval '40 s' WHERE id = :id"), id=thought)
    assert 30 < _wait(database, thought) <= 40
    database.rows(text("UPDATE thoughts SET not_before = now() - interval '40 s' WHERE id = :id"), id=thought)
    assert _wait(database, thought) == 0


def _wait(database: Database, thought: UUID) -> float:
    head = ask_once(database, a_doorbell(database, thought)).head
    assert head is not None
    return head.wait


def test_a_full_question_of_many_users_is_answered_for_each(database: Database) -> None:
    asks = []
    for number in range(30):
        user = add_user(database)
        thoughts = [add_thought(database, user) for _ in range(4)]
        records = tuple(a_doorbell(database, thought, number * 4 + n) for n, thought in enumerate(thoughts))
        asks.append(DecideRequest(user, records, None))
    found = {one.user_id: one for one in decide(database, asks)}
    for ask in asks:
        head = found[ask.user_id].head
        assert head is not None
        assert head.thought_id == ask.records[0].thought_id
        assert sorted(v.offset for v in found[ask.user_id].verdicts) == [record.offset for record in ask.records]


def test_nothing_asked_is_nothing_answered(database: Database) -> None:
    assert decide(database, []) == []


def test_the_head_of_a_foreign_thought_tells_its_traces_and_ours_tells_none(database: Database, user_id: UUID) -> None:
    thought, ours = add_thought(database, user_id), add_thought(database, add_user(database))
    kept = capture_source(b"key", [("traceparent", b"00-aa"), ("x", b"1")])
    change(database, thought, headers=json.dumps(kept))
    heads = [ask_once(database, a_doorbell(database, one)).head for one in (thought, ours)]
    assert [head and head.tracing for head in heads] == [kept["tracing"], None]
