"""Renew, Save, Retry and the request of a batch: their guards, and their repeats after a lost answer."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from contracts.database import Database, is_refused_data
from contracts.settings import Settings
from tasks.step_store import Step, StepStore
from tests.tasks.step_stores import claimed_call, save
from tests.tasks.thoughts import a_step, change, lose, outbox, runs, thought
from tests.transactions import slow_commit, transaction

ERROR = {"agent": "classification", "kind": "transient", "message": "busy", "attempts": 1}


# --- Renew


def test_a_renewal_raises_the_beats_of_living_calls_only(
    database: Database, settings: Settings, step_store: StepStore
) -> None:
    steps = [a_step(database, settings) for _ in range(3)]
    calls = [claimed_call(step_store, step) for step in steps]
    lose(database, steps[1])
    before = [thought(database, step.thought_id).beat for step in steps]
    alive = step_store.renew({call: step.thought_id for call, step in zip(calls, steps, strict=True)})
    after = [thought(database, step.thought_id).beat for step in steps]
    assert alive == {calls[0]: True, calls[2]: True}
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 0, 1]


def test_a_renewal_of_nothing_or_of_a_saved_call_answers_nothing(step_store: StepStore, step: Step) -> None:
    call = claimed_call(step_store, step)
    save(step_store, step, call)
    assert step_store.renew({call: step.thought_id}) == {}
    assert step_store.renew({}) == {}


def test_two_workers_that_renew_the_same_calls_do_not_lock_each_other_out(
    database: Database, settings: Settings, step_store: StepStore
) -> None:
    steps = [a_step(database, settings) for _ in range(10)]
    calls = {claimed_call(step_store, step): step.thought_id for step in steps}
    backwards = dict(reversed(calls.items()))
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(step_store.renew, [calls, backwards] * 20))
    assert [set(alive) for alive in answers] == [set(calls)] * 40


def test_a_renewal_waits_for_no_row_that_somebody_has_locked(
    database: Database, settings: Settings, step_store: StepStore
) -> None:
    steps = [a_step(database, settings) for _ in range(3)]
    calls = {claimed_call(step_store, step): step.thought_id for step in steps}
    locked = next(iter(calls))
    with transaction(database) as other:
        other.execute(text("SELECT FROM thoughts WHERE id = :id FOR UPDATE"), {"id": calls[locked]})
        assert step_store.renew(calls) == {call: call != locked for call in calls}
    assert step_store.renew(calls) == dict.fromkeys(calls, True)


# --- Save


def test_a_saved_step_frees_the_call_and_tells_kafka(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    call = claimed_call(step_store, step)
    change(database, step.thought_id, "sends = 3, losses = 2, error = '{}'")
    assert save(step_store, step, call, {"said": "yes"}, cost_usd=Decimal("0.25"), model="a-model")
    row, (run,) = thought(database, step.thought_id), runs(database, step.thought_id)
    assert (row.steps_done, row.call_id, row.attempts, row.sends, row.losses, row.error) == (1, None, 0, 1, 0, None)
    assert (row.status, row.finished_at, row.processing_seconds) == ("processing", None, None)
    assert (run.step, run.agent, run.output, run.call_id) == (1, "classification", {"said": "yes"}, call)
    assert (run.provider, run.model, run.version, run.tokens_in, run.tokens_out) == ("tests", "a-model", "1", 3, 5)
    assert (run.cost_usd, run.attempts) == (Decimal("0.25"), 1)
    assert run.started_at <= run.finished_at
    assert [(told.key, told.turn, bytes(told.value)) for told in outbox(database, settings.kafka_events_topic)] == [
        (str(row.user_id), row.turn, b"one"),
        (str(row.user_id), row.turn, b"two"),
    ]


def test_a_save_repeated_after_a_lost_answer_is_saved_once(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    call = claimed_call(step_store, step)
    assert save(step_store, step, call, {"said": "first"})
    before = thought(database, step.thought_id)
    assert save(step_store, step, call, {"said": "second"})
    assert thought(database, step.thought_id) == before
    assert [run.output for run in runs(database, step.thought_id)] == [{"said": "first"}]
    assert len(outbox(database, settings.kafka_events_topic)) == 2


def test_a_save_repeated_during_the_first_ones_commit_is_known_for_saved(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    """The repeat has looked at the saved steps before it waits for the thought's row."""
    call = claimed_call(step_store, step)
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as first:
            assert save(StepStore(first, settings), step, call)
            second = pool.submit(save, step_store, step, call)
        assert second.result()
    assert len(runs(database, step.thought_id)) == 1


def test_the_repeat_of_a_save_is_known_even_when_the_thought_has_moved_on(step_store: StepStore, step: Step) -> None:
    call = claimed_call(step_store, step)
    save(step_store, step, call)
    claimed_call(step_store, replace(step, number=2))
    assert save(step_store, step, call)


def test_a_fenced_save_writes_nothing(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    call = claimed_call(step_store, step)
    lose(database, step)
    before = thought(database, step.thought_id)
    assert not save(step_store, step, call)
    assert thought(database, step.thought_id) == before
    assert runs(database, step.thought_id) == []
    assert outbox(database, settings.kafka_events_topic) == []


def test_of_two_saves_at_once_one_writes(database: Database, step_store: StepStore, step: Step) -> None:
    call = claimed_call(step_store, step)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: save(step_store, step, call), range(8))) == [True] * 8
    assert len(runs(database, step.thought_id)) == 1


def test_the_last_save_completes_the_thought_with_its_seconds(
    database: Database, step_store: StepStore, step: Step
) -> None:
    for number in range(1, 6):
        this = replace(step, number=number)
        assert save(step_store, this, claimed_call(step_store, this))
    row = thought(database, step.thought_id)
    assert (row.status, row.steps_done, row.call_id, row.processing_seconds) == ("completed", 5, None, 1.5)
    assert row.finished_at is not None


@pytest.mark.parametrize("overrides", [{"kafka_enabled": False, "kafka_bootstrap_servers": ""}])
def test_without_kafka_no_row_is_left_in_the_outbox(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    assert save(step_store, step, claimed_call(step_store, step))
    assert runs(database, step.thought_id)
    assert outbox(database, settings.kafka_events_topic) == []


DIRTY = {"nul": "a\x00b", "surrogate": "a\ud800b", "nan": float("nan"), "inf": [float("inf")], "k\x00y": "\ud83d\ude00"}
CLEANED = {"nul": "a\ufffdb", "surrogate": "a\ufffdb", "nan": None, "inf": [None], "k\ufffdy": "\U0001f600"}


def test_an_output_that_postgresql_would_refuse_is_cleaned(
    database: Database, step_store: StepStore, step: Step
) -> None:
    assert save(step_store, step, claimed_call(step_store, step), DIRTY)
    assert runs(database, step.thought_id)[0].output == CLEANED


def test_a_provider_that_names_itself_badly_is_cleaned_too(
    database: Database, step_store: StepStore, step: Step
) -> None:
    dirty: dict[str, Any] = {"provider": "a\x00", "model": "b\ud800", "version": "c\x00"}
    assert save(step_store, step, claimed_call(step_store, step), **dirty)
    (run,) = runs(database, step.thought_id)
    assert (run.provider, run.model, run.version) == ("a\ufffd", "b\ufffd", "c\ufffd")


class LibraryInt:
    """A number type that psycopg2 does not know, as numpy's are."""

    def __int__(self) -> int:
        return 7


def test_numbers_of_a_library_are_saved_as_numbers(database: Database, step_store: StepStore, step: Step) -> None:
    assert save(step_store, step, claimed_call(step_store, step), tokens_in=LibraryInt(), tokens_out=None, cost_usd=0.5)
    (run,) = runs(database, step.thought_id)
    assert (run.tokens_in, run.tokens_out, run.cost_usd) == (7, None, Decimal("0.5"))


@pytest.mark.parametrize("columns", [{"tokens_in": 2**40}, {"cost_usd": Decimal("1e9")}])
def test_numbers_that_do_not_fit_are_refused_and_never_repeated(
    database: Database, step_store: StepStore, step: Step, columns: dict[str, Any]
) -> None:
    call = claimed_call(step_store, step)
    with pytest.raises(SQLAlchemyError) as refused:
        save(step_store, step, call, **columns)
    assert is_refused_data(refused.value)
    assert thought(database, step.thought_id).call_id == call
    assert runs(database, step.thought_id) == []


# --- Retry


def test_a_retry_frees_the_call_keeps_the_count_and_says_why(
    database: Database, step_store: StepStore, step: Step
) -> None:
    call = claimed_call(step_store, step)
    change(database, step.thought_id, "sends = 4")
    assert step_store.retry(step, call, backoff=30.0, error=ERROR)
    row = thought(database, step.thought_id)
    wait = database.rows(
        text("SELECT EXTRACT(epoch FROM not_before - now()) FROM thoughts WHERE id = :id"), id=step.thought_id
    )[0][0]
    assert (row.status, row.call_id, row.attempts, row.sends, row.error) == ("processing", None, 1, 1, ERROR)
    assert float(wait) == pytest.approx(30, abs=5)
    claim = step_store.claim(step, uuid4())
    assert claim is not None
    assert claim.result == "early"


def test_a_fenced_retry_writes_nothing(database: Database, step_store: StepStore, step: Step) -> None:
    call = claimed_call(step_store, step)
    lose(database, step)
    before = thought(database, step.thought_id)
    assert not step_store.retry(step, call, backoff=1.0, error=ERROR)
    assert thought(database, step.thought_id) == before


def test_an_error_message_that_postgresql_would_refuse_is_cleaned(
    database: Database, step_store: StepStore, step: Step
) -> None:
    assert step_store.retry(step, claimed_call(step_store, step), backoff=1.0, error=ERROR | {"message": "a\x00\ud800"})
    assert thought(database, step.thought_id).error["message"] == "a\ufffd\ufffd"
