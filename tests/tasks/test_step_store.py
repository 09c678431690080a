"""RENEW, SAVE and RETRY: their guards, and their repeats after a lost answer."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from contracts.database import Database, is_rejected_data
from contracts.settings import Settings
from tasks.step_store import Step, StepStore
from tests.tasks.step_stores import claimed_call, save_step
from tests.tasks.thoughts import (
    agent_run_rows,
    dispatch_first_step,
    outbox_rows,
    set_columns,
    take_over_step,
    thought_row,
)
from tests.transactions import slow_commit, transaction

ERROR = {"agent": "classification", "kind": "transient", "message": "busy", "attempts": 1}


# --- Renew


def test_renew_raises_only_the_beats_of_calls_that_are_not_fenced(
    database: Database, settings: Settings, step_store: StepStore
) -> None:
    steps = [dispatch_first_step(database, settings) for _ in range(3)]
    calls = [claimed_call(step_store, step) for step in steps]
    take_over_step(database, steps[1])
    before = [thought_row(database, step.thought_id).beat for step in steps]
    alive = step_store.renew({call: step.thought_id for call, step in zip(calls, steps, strict=True)})
    after = [thought_row(database, step.thought_id).beat for step in steps]
    assert alive == {calls[0]: True, calls[2]: True}
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 0, 1]


def test_renew_returns_nothing_for_no_calls_and_for_a_saved_call(step_store: StepStore, step: Step) -> None:
    call = claimed_call(step_store, step)
    save_step(step_store, step, call)
    assert step_store.renew({call: step.thought_id}) == {}
    assert step_store.renew({}) == {}


def test_concurrent_renewals_of_the_same_calls_do_not_deadlock(
    database: Database, settings: Settings, step_store: StepStore
) -> None:
    steps = [dispatch_first_step(database, settings) for _ in range(10)]
    calls = {claimed_call(step_store, step): step.thought_id for step in steps}
    backwards = dict(reversed(calls.items()))
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(step_store.renew, [calls, backwards] * 20))
    assert [set(alive) for alive in results] == [set(calls)] * 40


def test_renew_skips_a_row_that_another_transaction_has_locked(
    database: Database, settings: Settings, step_store: StepStore
) -> None:
    steps = [dispatch_first_step(database, settings) for _ in range(3)]
    calls = {claimed_call(step_store, step): step.thought_id for step in steps}
    locked = next(iter(calls))
    with transaction(database) as other:
        other.execute(text("SELECT FROM thoughts WHERE id = :id FOR UPDATE"), {"id": calls[locked]})
        assert step_store.renew(calls) == {call: call != locked for call in calls}
    assert step_store.renew(calls) == dict.fromkeys(calls, True)


# --- Save


def test_save_frees_the_call_and_writes_the_events_to_the_outbox(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    call = claimed_call(step_store, step)
    set_columns(database, step.thought_id, "sends = 3, losses = 2, error = '{}'")
    assert save_step(step_store, step, call, {"answer": "yes"}, cost_usd=Decimal("0.25"), model="a-model")
    row, (run,) = thought_row(database, step.thought_id), agent_run_rows(database, step.thought_id)
    assert (row.steps_done, row.call_id, row.attempts, row.sends, row.losses, row.error) == (1, None, 0, 1, 0, None)
    assert (row.status, row.finished_at, row.processing_seconds) == ("processing", None, None)
    assert (run.step, run.agent, run.output, run.call_id) == (1, "classification", {"answer": "yes"}, call)
    assert (run.provider, run.model, run.version, run.tokens_in, run.tokens_out) == ("tests", "a-model", "1", 3, 5)
    assert (run.cost_usd, run.attempts) == (Decimal("0.25"), 1)
    assert run.started_at <= run.finished_at
    assert [
        (event.key, event.turn, bytes(event.value)) for event in outbox_rows(database, settings.kafka_events_topic)
    ] == [
        (str(row.user_id), row.turn, b"one"),
        (str(row.user_id), row.turn, b"two"),
    ]


def test_a_repeated_save_writes_the_step_once(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    call = claimed_call(step_store, step)
    assert save_step(step_store, step, call, {"answer": "first"})
    before = thought_row(database, step.thought_id)
    assert save_step(step_store, step, call, {"answer": "second"})
    assert thought_row(database, step.thought_id) == before
    assert [run.output for run in agent_run_rows(database, step.thought_id)] == [{"answer": "first"}]
    assert len(outbox_rows(database, settings.kafka_events_topic)) == 2


def test_a_save_repeated_during_the_first_commit_returns_true(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    """The repeat reads the saved steps before it waits for the thought's row."""
    call = claimed_call(step_store, step)
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as uncommitted:
            assert save_step(StepStore(uncommitted, settings), step, call)
            repeat = pool.submit(save_step, step_store, step, call)
        assert repeat.result()
    assert len(agent_run_rows(database, step.thought_id)) == 1


def test_a_save_repeated_after_the_next_claim_returns_true(step_store: StepStore, step: Step) -> None:
    call = claimed_call(step_store, step)
    save_step(step_store, step, call)
    claimed_call(step_store, replace(step, number=2))
    assert save_step(step_store, step, call)


def test_a_save_of_a_fenced_call_writes_nothing(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    call = claimed_call(step_store, step)
    take_over_step(database, step)
    before = thought_row(database, step.thought_id)
    assert not save_step(step_store, step, call)
    assert thought_row(database, step.thought_id) == before
    assert agent_run_rows(database, step.thought_id) == []
    assert outbox_rows(database, settings.kafka_events_topic) == []


def test_concurrent_saves_of_one_call_write_once(database: Database, step_store: StepStore, step: Step) -> None:
    call = claimed_call(step_store, step)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: save_step(step_store, step, call), range(8))) == [True] * 8
    assert len(agent_run_rows(database, step.thought_id)) == 1


def test_the_last_save_completes_the_thought_with_its_processing_time(
    database: Database, step_store: StepStore, step: Step
) -> None:
    for number in range(1, 6):
        numbered_step = replace(step, number=number)
        assert save_step(step_store, numbered_step, claimed_call(step_store, numbered_step))
    row = thought_row(database, step.thought_id)
    assert (row.status, row.steps_done, row.call_id, row.processing_seconds) == ("completed", 5, None, 1.5)
    assert row.finished_at is not None


@pytest.mark.parametrize("overrides", [{"kafka_enabled": False, "kafka_bootstrap_servers": ""}])
def test_without_kafka_save_writes_no_outbox_rows(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    assert save_step(step_store, step, claimed_call(step_store, step))
    assert agent_run_rows(database, step.thought_id)
    assert outbox_rows(database, settings.kafka_events_topic) == []


DIRTY = {"nul": "a\x00b", "surrogate": "a\ud800b", "nan": float("nan"), "inf": [float("inf")], "k\x00y": "\ud83d\ude00"}
CLEANED = {"nul": "a\ufffdb", "surrogate": "a\ufffdb", "nan": None, "inf": [None], "k\ufffdy": "\U0001f600"}


def test_save_cleans_an_output_that_postgresql_would_reject(
    database: Database, step_store: StepStore, step: Step
) -> None:
    assert save_step(step_store, step, claimed_call(step_store, step), DIRTY)
    assert agent_run_rows(database, step.thought_id)[0].output == CLEANED


def test_save_cleans_the_names_of_provider_model_and_version(
    database: Database, step_store: StepStore, step: Step
) -> None:
    dirty: dict[str, Any] = {"provider": "a\x00", "model": "b\ud800", "version": "c\x00"}
    assert save_step(step_store, step, claimed_call(step_store, step), **dirty)
    (run,) = agent_run_rows(database, step.thought_id)
    assert (run.provider, run.model, run.version) == ("a\ufffd", "b\ufffd", "c\ufffd")


class LibraryInt:
    """A number type that psycopg2 cannot adapt, like those of numpy."""

    def __int__(self) -> int:
        return 7


def test_numbers_of_other_libraries_are_saved_as_numbers(database: Database, step_store: StepStore, step: Step) -> None:
    assert save_step(
        step_store, step, claimed_call(step_store, step), tokens_in=LibraryInt(), tokens_out=None, cost_usd=0.5
    )
    (run,) = agent_run_rows(database, step.thought_id)
    assert (run.tokens_in, run.tokens_out, run.cost_usd) == (7, None, Decimal("0.5"))


@pytest.mark.parametrize("columns", [{"tokens_in": 2**40}, {"cost_usd": Decimal("1e9")}])
def test_save_raises_and_does_not_retry_when_numbers_are_out_of_range(
    database: Database, step_store: StepStore, step: Step, columns: dict[str, Any]
) -> None:
    call = claimed_call(step_store, step)
    with pytest.raises(SQLAlchemyError) as raised:
        save_step(step_store, step, call, **columns)
    assert is_rejected_data(raised.value)
    assert thought_row(database, step.thought_id).call_id == call
    assert agent_run_rows(database, step.thought_id) == []


# --- Retry


def test_retry_frees_the_call_and_keeps_its_attempts_and_error(
    database: Database, step_store: StepStore, step: Step
) -> None:
    call = claimed_call(step_store, step)
    set_columns(database, step.thought_id, "sends = 4")
    assert step_store.schedule_retry(step, call, backoff=30.0, error=ERROR)
    row = thought_row(database, step.thought_id)
    wait = database.rows(
        text("SELECT EXTRACT(epoch FROM not_before - now()) FROM thoughts WHERE id = :id"), id=step.thought_id
    )[0][0]
    assert (row.status, row.call_id, row.attempts, row.sends, row.error) == ("processing", None, 1, 1, ERROR)
    assert float(wait) == pytest.approx(30, abs=5)
    claim = step_store.claim(step, uuid4())
    assert claim is not None
    assert claim.result == "early"


def test_a_retry_of_a_fenced_call_writes_nothing(database: Database, step_store: StepStore, step: Step) -> None:
    call = claimed_call(step_store, step)
    take_over_step(database, step)
    before = thought_row(database, step.thought_id)
    assert not step_store.schedule_retry(step, call, backoff=1.0, error=ERROR)
    assert thought_row(database, step.thought_id) == before


def test_retry_cleans_an_error_message_that_postgresql_would_reject(
    database: Database, step_store: StepStore, step: Step
) -> None:
    assert step_store.schedule_retry(
        step, claimed_call(step_store, step), backoff=1.0, error=ERROR | {"message": "a\x00\ud800"}
    )
    assert thought_row(database, step.thought_id).error["message"] == "a\ufffd\ufffd"
