"""Final failure: state, dead letter and both outbox rows stand or fall together."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from contracts.database import Database
from contracts.settings import Settings
from contracts.source_headers import capture_source, restore_headers
from tasks.failures import Failure, worker_lost
from tasks.step_store import Step, StepStore
from tests.stores import execute
from tests.tasks.step_stores import claimed_call, save
from tests.tasks.thoughts import change, dead_letters, lose, outbox, thought
from tests.transactions import slow_commit

FAILURE = Failure("permanent", "no", "tests.Broken", "a stack")


def fail(step_store: StepStore, step: Step, call: UUID | None, failure: Failure = FAILURE, turn: int = 1) -> bool:
    return step_store.fail(
        step, call, turn, error=failure.error(step.agent, 2), headers=failure.headers(step.agent, 2), event=b"the event"
    )


def written(database: Database, settings: Settings, step: Step) -> tuple[int, int, int]:
    """Dead letters, their outbox rows, events."""
    letters = len(dead_letters(database, step.thought_id))
    return (
        letters,
        len(outbox(database, settings.kafka_dead_letter_topic)),
        len(outbox(database, settings.kafka_events_topic)),
    )


def test_a_failed_thought_leaves_its_state_its_dead_letter_and_two_messages(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    origin = '{"topic": "work", "partition": 2, "offset": 7, "timestamp": 99}'
    change(database, step.thought_id, f"origin = '{origin}'")
    assert fail(step_store, step, claimed_call(step_store, step))
    row, (letter,) = thought(database, step.thought_id), dead_letters(database, step.thought_id)
    (dead,), (event,) = (
        outbox(database, settings.kafka_dead_letter_topic),
        outbox(database, settings.kafka_events_topic),
    )
    assert (row.status, row.call_id, row.finished_at is not None) == ("failed", None, True)
    assert row.error == {"agent": "classification", "kind": "permanent", "message": "no", "attempts": 2}
    assert (letter.failure_id, letter.thought_id, letter.turn) == (f"{row.id}:{row.turn}", row.id, row.turn)
    assert (letter.reason, bytes(letter.value), letter.state) == ("permanent", bytes(row.event), "open")
    assert letter.headers == {
        "reason": "permanent",
        "error_class": "tests.Broken",
        "message": "no",
        "stack": "a stack",
        "agent": "classification",
        "attempts": 2,
        "origin": {"topic": "work", "partition": 2, "offset": 7, "timestamp": 99},
    }
    assert (dead.key, dead.failure_id, bytes(dead.value)) == (str(row.user_id), letter.failure_id, bytes(row.event))
    assert dead.headers == letter.headers
    assert (event.key, event.turn, bytes(event.value)) == (str(row.user_id), row.turn, b"the event")


@pytest.mark.parametrize("overrides", [{"kafka_enabled": False, "kafka_bootstrap_servers": ""}])
def test_without_kafka_the_dead_letter_waits_for_it_and_the_event_does_not(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    assert fail(step_store, step, claimed_call(step_store, step))
    assert written(database, settings, step) == (1, 1, 0)


def test_a_failure_repeated_after_a_lost_answer_is_written_once(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    call = claimed_call(step_store, step)
    assert fail(step_store, step, call)
    before = thought(database, step.thought_id)
    assert fail(step_store, step, call)
    assert thought(database, step.thought_id) == before
    assert written(database, settings, step) == (1, 1, 1)


def test_a_failure_repeated_during_the_first_ones_commit_is_known_for_written(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    call = claimed_call(step_store, step)
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as first:
            assert fail(StepStore(first, settings), step, call)
            second = pool.submit(fail, step_store, step, call)
        assert second.result()
    assert written(database, settings, step) == (1, 1, 1)


def test_a_fenced_call_cannot_fail_the_thought(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    call = claimed_call(step_store, step)
    lose(database, step)
    before = thought(database, step.thought_id)
    assert not fail(step_store, step, call)
    assert thought(database, step.thought_id) == before
    assert written(database, settings, step) == (0, 0, 0)


def test_a_call_that_another_one_of_its_dispatch_has_followed_cannot_fail_the_thought(
    database: Database, step_store: StepStore, step: Step
) -> None:
    earlier = claimed_call(step_store, step)
    change(database, step.thought_id, "call_id = NULL")
    claimed_call(step_store, step)
    assert not fail(step_store, step, earlier)
    assert thought(database, step.thought_id).status == "processing"


def test_who_failed_it_in_other_words_or_in_another_turn_is_not_meant(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    call = claimed_call(step_store, step)
    fail(step_store, step, call)
    assert not fail(step_store, step, call, worker_lost(4))
    assert not fail(step_store, step, call, turn=2)
    assert written(database, settings, step) == (1, 1, 1)


@pytest.mark.parametrize("wrong", [{"token": 99}, {"number": 2}])
def test_another_token_or_step_cannot_fail_the_thought(
    step_store: StepStore, step: Step, wrong: dict[str, Any]
) -> None:
    call = claimed_call(step_store, step)
    assert not fail(step_store, replace(step, **wrong), call)


def test_without_a_call_only_an_exhausted_thought_fails(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    change(database, step.thought_id, "attempts = 3")
    assert not fail(step_store, step, None, worker_lost(4))
    change(database, step.thought_id, "attempts = 4")
    assert fail(step_store, step, None, worker_lost(4))
    assert thought(database, step.thought_id).error["kind"] == "lost"
    assert written(database, settings, step) == (1, 1, 1)


def test_what_has_failed_for_want_of_calls_fails_no_second_time(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    change(database, step.thought_id, "attempts = 4")
    fail(step_store, step, None, worker_lost(4))
    assert not fail(step_store, step, None, worker_lost(5))
    assert thought(database, step.thought_id).error["message"] == worker_lost(4).message
    assert written(database, settings, step) == (1, 1, 1)


def test_without_a_call_a_thought_in_a_call_is_left_alone(
    database: Database, step_store: StepStore, step: Step
) -> None:
    claimed_call(step_store, step)
    change(database, step.thought_id, "attempts = 4")
    assert not fail(step_store, step, None, worker_lost(4))


@pytest.mark.parametrize("table", ["dead_letters", "outbox"])
def test_when_one_part_cannot_be_written_nothing_is(
    database: Database, settings: Settings, step_store: StepStore, step: Step, table: str
) -> None:
    call = claimed_call(step_store, step)
    before = thought(database, step.thought_id)
    execute(settings.database_url, f"ALTER TABLE {table} ADD CONSTRAINT full_up CHECK (failure_id IS NULL) NOT VALID")
    try:
        with pytest.raises(SQLAlchemyError):
            fail(step_store, step, call)
    finally:
        execute(settings.database_url, f"ALTER TABLE {table} DROP CONSTRAINT full_up")
    assert thought(database, step.thought_id) == before
    assert written(database, settings, step) == (0, 0, len(outbox(database, settings.kafka_events_topic)))
    assert outbox(database, settings.kafka_events_topic) == []
    assert fail(step_store, step, call)


def test_words_that_postgresql_would_refuse_are_cleaned(database: Database, step_store: StepStore, step: Step) -> None:
    dirty = Failure("permanent", "a\x00\ud800", "c\x00", "s\udfff")
    assert fail(step_store, step, claimed_call(step_store, step), dirty)
    (letter,) = dead_letters(database, step.thought_id)
    assert thought(database, step.thought_id).error["message"] == "a\ufffd\ufffd"
    assert (letter.headers["message"], letter.headers["error_class"], letter.headers["stack"]) == (
        "a\ufffd\ufffd",
        "c\ufffd",
        "s\ufffd",
    )


def test_a_dead_letter_that_was_restored_before_its_failure_is_opened_by_it(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    """PostgreSQL came back from a backup of before the failure, and the index was rebuilt from the topic."""
    fail(step_store, step, claimed_call(step_store, step))
    before = dead_letters(database, step.thought_id)
    change(database, step.thought_id, "status = 'processing', finished_at = NULL")
    columns = "state = 'replayed', resolved_at = now(), reason = 'old', headers = '{}'"
    database.rows(text(f"UPDATE dead_letters SET {columns} WHERE thought_id = :id"), id=step.thought_id)
    assert fail(step_store, step, claimed_call(step_store, step))
    assert dead_letters(database, step.thought_id) == before
    assert written(database, settings, step) == (1, 2, 2)


def test_a_replayed_thought_that_fails_again_has_a_second_dead_letter(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    fail(step_store, step, claimed_call(step_store, step))
    change(database, step.thought_id, "status = 'processing', finished_at = NULL, turn = turn + 1, attempts = 0")
    assert fail(step_store, step, claimed_call(step_store, step), turn=2)
    assert written(database, settings, step) == (2, 2, 2)


FOREIGN = capture_source(b"\xff key", [("traceparent", b"00-aa"), ("x", None), ("turn", b"9")])


def test_the_dead_letter_of_a_foreign_thought_has_its_key_and_headers_and_the_event_its_traces(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    change(database, step.thought_id, f"headers = '{json.dumps(FOREIGN)}'")
    assert fail(step_store, step, claimed_call(step_store, step))
    (letter,) = dead_letters(database, step.thought_id)
    kept = {"original_key": FOREIGN["original_key"], "original_headers": FOREIGN["original_headers"]}
    assert kept.items() <= letter.headers.items()
    assert "tracing" not in letter.headers
    (event,) = outbox(database, settings.kafka_events_topic)
    assert restore_headers(event.headers, event.turn) == [("turn", b"1"), ("traceparent", b"00-aa")]


def test_the_events_of_a_saved_step_carry_a_foreign_thoughts_traces(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    change(database, step.thought_id, f"headers = '{json.dumps(FOREIGN)}'")
    assert save(step_store, step, claimed_call(step_store, step))
    told = [restore_headers(event.headers, event.turn) for event in outbox(database, settings.kafka_events_topic)]
    assert told == [[("turn", b"1"), ("traceparent", b"00-aa")]] * 2


def test_without_traces_an_event_has_no_headers(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    change(database, step.thought_id, f"headers = '{json.dumps(capture_source(None, [('x', b'1')]))}'")
    assert fail(step_store, step, claimed_call(step_store, step))
    (event,) = outbox(database, settings.kafka_events_topic)
    assert event.headers is None
