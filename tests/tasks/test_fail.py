"""FAIL: writes state, dead letter and both outbox rows together, or nothing."""

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
from tests.tasks.step_stores import claimed_call, save_step
from tests.tasks.thoughts import dead_letter_rows, outbox_rows, set_columns, take_over_step, thought_row
from tests.transactions import slow_commit

FAILURE = Failure("permanent", "no", "tests.Broken", "a stack")


def fail(step_store: StepStore, step: Step, call: UUID | None, failure: Failure = FAILURE, turn: int = 1) -> bool:
    return step_store.fail(
        step, call, turn, error=failure.error(step.agent, 2), headers=failure.headers(step.agent, 2), event=b"the event"
    )


def count_written(database: Database, settings: Settings, step: Step) -> tuple[int, int, int]:
    """Return the numbers of dead letters, of their outbox rows, and of events in the outbox."""
    letters = len(dead_letter_rows(database, step.thought_id))
    return (
        letters,
        len(outbox_rows(database, settings.kafka_dead_letter_topic)),
        len(outbox_rows(database, settings.kafka_events_topic)),
    )


def test_fail_writes_the_state_the_dead_letter_and_two_outbox_rows(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    origin = '{"topic": "work", "partition": 2, "offset": 7, "timestamp": 99}'
    set_columns(database, step.thought_id, f"origin = '{origin}'")
    assert fail(step_store, step, claimed_call(step_store, step))
    row, (dead_letter,) = thought_row(database, step.thought_id), dead_letter_rows(database, step.thought_id)
    (dead_letter_row,), (event,) = (
        outbox_rows(database, settings.kafka_dead_letter_topic),
        outbox_rows(database, settings.kafka_events_topic),
    )
    assert (row.status, row.call_id, row.finished_at is not None) == ("failed", None, True)
    assert row.error == {"agent": "classification", "kind": "permanent", "message": "no", "attempts": 2}
    assert (dead_letter.failure_id, dead_letter.thought_id, dead_letter.turn) == (
        f"{row.id}:{row.turn}",
        row.id,
        row.turn,
    )
    assert (dead_letter.reason, bytes(dead_letter.value), dead_letter.state) == ("permanent", bytes(row.event), "open")
    assert dead_letter.headers == {
        "reason": "permanent",
        "error_class": "tests.Broken",
        "message": "no",
        "stack": "a stack",
        "agent": "classification",
        "attempts": 2,
        "origin": {"topic": "work", "partition": 2, "offset": 7, "timestamp": 99},
    }
    assert (dead_letter_row.key, dead_letter_row.failure_id, bytes(dead_letter_row.value)) == (
        str(row.user_id),
        dead_letter.failure_id,
        bytes(row.event),
    )
    assert dead_letter_row.headers == dead_letter.headers
    assert (event.key, event.turn, bytes(event.value)) == (str(row.user_id), row.turn, b"the event")


@pytest.mark.parametrize("overrides", [{"kafka_enabled": False, "kafka_bootstrap_servers": ""}])
def test_without_kafka_the_dead_letter_is_in_the_outbox_and_the_event_is_not(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    assert fail(step_store, step, claimed_call(step_store, step))
    assert count_written(database, settings, step) == (1, 1, 0)


def test_a_repeated_fail_is_written_once(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    call = claimed_call(step_store, step)
    assert fail(step_store, step, call)
    before = thought_row(database, step.thought_id)
    assert fail(step_store, step, call)
    assert thought_row(database, step.thought_id) == before
    assert count_written(database, settings, step) == (1, 1, 1)


def test_a_fail_repeated_during_the_first_commit_returns_true(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    call = claimed_call(step_store, step)
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as uncommitted:
            assert fail(StepStore(uncommitted, settings), step, call)
            repeat = pool.submit(fail, step_store, step, call)
        assert repeat.result()
    assert count_written(database, settings, step) == (1, 1, 1)


def test_a_fenced_call_cannot_fail_the_thought(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    call = claimed_call(step_store, step)
    take_over_step(database, step)
    before = thought_row(database, step.thought_id)
    assert not fail(step_store, step, call)
    assert thought_row(database, step.thought_id) == before
    assert count_written(database, settings, step) == (0, 0, 0)


def test_an_earlier_call_of_the_same_dispatch_cannot_fail_the_thought(
    database: Database, step_store: StepStore, step: Step
) -> None:
    earlier_call = claimed_call(step_store, step)
    set_columns(database, step.thought_id, "call_id = NULL")
    claimed_call(step_store, step)
    assert not fail(step_store, step, earlier_call)
    assert thought_row(database, step.thought_id).status == "processing"


def test_a_fail_with_another_error_or_turn_is_no_repeat(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    call = claimed_call(step_store, step)
    fail(step_store, step, call)
    assert not fail(step_store, step, call, worker_lost(4))
    assert not fail(step_store, step, call, turn=2)
    assert count_written(database, settings, step) == (1, 1, 1)


@pytest.mark.parametrize("changed_fields", [{"dispatch_id": 99}, {"number": 2}])
def test_another_token_or_step_cannot_fail_the_thought(
    step_store: StepStore, step: Step, changed_fields: dict[str, Any]
) -> None:
    call = claimed_call(step_store, step)
    assert not fail(step_store, replace(step, **changed_fields), call)


def test_fail_without_a_call_requires_exhausted_attempts(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    set_columns(database, step.thought_id, "attempts = 3")
    assert not fail(step_store, step, None, worker_lost(4))
    set_columns(database, step.thought_id, "attempts = 4")
    assert fail(step_store, step, None, worker_lost(4))
    assert thought_row(database, step.thought_id).error["kind"] == "lost"
    assert count_written(database, settings, step) == (1, 1, 1)


def test_an_exhausted_thought_fails_only_once(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    set_columns(database, step.thought_id, "attempts = 4")
    fail(step_store, step, None, worker_lost(4))
    assert not fail(step_store, step, None, worker_lost(5))
    assert thought_row(database, step.thought_id).error["message"] == worker_lost(4).message
    assert count_written(database, settings, step) == (1, 1, 1)


def test_fail_without_a_call_leaves_a_thought_in_a_call_unchanged(
    database: Database, step_store: StepStore, step: Step
) -> None:
    claimed_call(step_store, step)
    set_columns(database, step.thought_id, "attempts = 4")
    assert not fail(step_store, step, None, worker_lost(4))


@pytest.mark.parametrize("table", ["dead_letters", "outbox"])
def test_fail_writes_nothing_when_one_part_cannot_be_written(
    database: Database, settings: Settings, step_store: StepStore, step: Step, table: str
) -> None:
    call = claimed_call(step_store, step)
    before = thought_row(database, step.thought_id)
    execute(
        settings.database_url, f"ALTER TABLE {table} ADD CONSTRAINT no_failures CHECK (failure_id IS NULL) NOT VALID"
    )
    try:
        with pytest.raises(SQLAlchemyError):
            fail(step_store, step, call)
    finally:
        execute(settings.database_url, f"ALTER TABLE {table} DROP CONSTRAINT no_failures")
    assert thought_row(database, step.thought_id) == before
    assert count_written(database, settings, step) == (0, 0, len(outbox_rows(database, settings.kafka_events_topic)))
    assert outbox_rows(database, settings.kafka_events_topic) == []
    assert fail(step_store, step, call)


def test_fail_cleans_text_that_postgresql_would_reject(database: Database, step_store: StepStore, step: Step) -> None:
    dirty = Failure("permanent", "a\x00\ud800", "c\x00", "s\udfff")
    assert fail(step_store, step, claimed_call(step_store, step), dirty)
    (dead_letter,) = dead_letter_rows(database, step.thought_id)
    assert thought_row(database, step.thought_id).error["message"] == "a\ufffd\ufffd"
    assert (dead_letter.headers["message"], dead_letter.headers["error_class"], dead_letter.headers["stack"]) == (
        "a\ufffd\ufffd",
        "c\ufffd",
        "s\ufffd",
    )


def test_fail_opens_a_dead_letter_that_was_restored_before_it(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    """PostgreSQL was restored from a backup older than the failure, and the table was rebuilt from the topic."""
    fail(step_store, step, claimed_call(step_store, step))
    before = dead_letter_rows(database, step.thought_id)
    set_columns(database, step.thought_id, "status = 'processing', finished_at = NULL")
    columns = "state = 'replayed', resolved_at = now(), reason = 'old', headers = '{}'"
    database.rows(text(f"UPDATE dead_letters SET {columns} WHERE thought_id = :id"), id=step.thought_id)
    assert fail(step_store, step, claimed_call(step_store, step))
    assert dead_letter_rows(database, step.thought_id) == before
    assert count_written(database, settings, step) == (1, 2, 2)


def test_a_replayed_thought_that_fails_again_gets_a_second_dead_letter(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    fail(step_store, step, claimed_call(step_store, step))
    set_columns(database, step.thought_id, "status = 'processing', finished_at = NULL, turn = turn + 1, attempts = 0")
    assert fail(step_store, step, claimed_call(step_store, step), turn=2)
    assert count_written(database, settings, step) == (2, 2, 2)


EXTERNAL_HEADERS = capture_source(b"\xff key", [("traceparent", b"00-aa"), ("x", None), ("turn", b"9")])


def test_the_dead_letter_of_an_external_thought_has_its_headers_and_the_event_its_tracing_headers(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    set_columns(database, step.thought_id, f"headers = '{json.dumps(EXTERNAL_HEADERS)}'")
    assert fail(step_store, step, claimed_call(step_store, step))
    (dead_letter,) = dead_letter_rows(database, step.thought_id)
    original = {
        "original_key": EXTERNAL_HEADERS["original_key"],
        "original_headers": EXTERNAL_HEADERS["original_headers"],
    }
    assert original.items() <= dead_letter.headers.items()
    assert "tracing" not in dead_letter.headers
    (event,) = outbox_rows(database, settings.kafka_events_topic)
    assert restore_headers(event.headers, event.turn) == [("turn", b"1"), ("traceparent", b"00-aa")]


def test_the_events_of_a_saved_step_have_the_tracing_headers_of_an_external_thought(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    set_columns(database, step.thought_id, f"headers = '{json.dumps(EXTERNAL_HEADERS)}'")
    assert save_step(step_store, step, claimed_call(step_store, step))
    headers = [
        restore_headers(event.headers, event.turn) for event in outbox_rows(database, settings.kafka_events_topic)
    ]
    assert headers == [[("turn", b"1"), ("traceparent", b"00-aa")]] * 2


def test_an_event_without_tracing_headers_has_no_headers(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    set_columns(database, step.thought_id, f"headers = '{json.dumps(capture_source(None, [('x', b'1')]))}'")
    assert fail(step_store, step, claimed_call(step_store, step))
    (event,) = outbox_rows(database, settings.kafka_events_topic)
    assert event.headers is None
