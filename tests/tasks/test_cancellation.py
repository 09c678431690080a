"""A thought that its author cancels while a worker works on it: two transactions at the same moment, in both orders."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest

from agents.interface import CallContext
from bridge.consumer.decide import decide
from bridge.consumer.protocol import DecideRequest
from contracts.database import Database
from contracts.settings import Settings
from tasks.step_outcomes import Advance, Drop
from tasks.step_store import Step, StepStore
from tests.tasks.conftest import MakeRunner
from tests.tasks.fake_provider import FakeProvider
from tests.tasks.step_stores import claimed_call, save_step
from tests.tasks.thoughts import (
    accept_thought,
    agent_run_rows,
    dead_letter_rows,
    dispatch_head,
    outbox_rows,
    poll_head,
    record_of,
    set_columns,
    step_of,
    thought_row,
)
from tests.transactions import slow_commit
from webapp.cancellation import CancelOutcome, CancelResult, cancel
from webapp.retrying import RetryOutcome, retry


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_renew_seconds": 1.0, "agent_timeout_seconds": 30.0}


def cancel_thought(database: Database, settings: Settings, thought: UUID) -> CancelResult:
    row = thought_row(database, thought)
    return cancel(database, settings, row.user_id, thought, row.turn)


def save_last_step(step_store: StepStore, database: Database, step: Step) -> tuple[Step, UUID]:
    """Return the last step of the thought, claimed, and its call."""
    set_columns(database, step.thought_id, "steps_done = 4")
    last = Step(step.thought_id, step.dispatch_id, 5)
    return last, claimed_call(step_store, last)


def test_a_cancellation_writes_the_state_the_discarded_dead_letter_and_the_event(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    claimed_call(step_store, step)
    before = thought_row(database, step.thought_id)
    result = cancel_thought(database, settings, step.thought_id)
    row, (letter,) = thought_row(database, step.thought_id), dead_letter_rows(database, step.thought_id)
    assert (row.status, row.call_id, row.error["kind"], row.finished_at is not None) == (
        "failed",
        None,
        "cancelled",
        True,
    )
    assert (row.dispatch_id, row.beat) == (before.dispatch_id + 1, before.beat + 1)
    assert (letter.failure_id, letter.reason, letter.state) == (f"{row.id}:{row.turn}", "cancelled", "discarded")
    assert bytes(letter.value) == b"", "it holds no text"
    assert result.event is not None
    assert [bytes(event.value) for event in outbox_rows(database, settings.kafka_events_topic)][-1:] == [
        result.event.to_bytes()
    ]
    assert letter.failure_id not in [
        letter_row.failure_id for letter_row in outbox_rows(database, settings.kafka_dead_letter_topic)
    ]


def test_a_second_cancellation_changes_nothing(database: Database, settings: Settings, step: Step) -> None:
    cancel_thought(database, settings, step.thought_id)
    before = thought_row(database, step.thought_id)
    assert cancel_thought(database, settings, step.thought_id) == CancelResult(CancelOutcome.ALREADY_CANCELLED)
    assert thought_row(database, step.thought_id) == before


def test_a_cancellation_repeated_during_the_first_commit_finds_its_own_result(
    database: Database, settings: Settings, step: Step
) -> None:
    row = thought_row(database, step.thought_id)
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as first:
            assert cancel(first, settings, row.user_id, row.id, row.turn).outcome is CancelOutcome.CANCELLED
            second = pool.submit(cancel, database, settings, row.user_id, row.id, row.turn)
        assert second.result() == CancelResult(CancelOutcome.ALREADY_CANCELLED)
    assert len(dead_letter_rows(database, row.id)) == 1


def test_a_cancellation_of_an_earlier_turn_leaves_a_retried_thought_open(
    database: Database, settings: Settings, step: Step
) -> None:
    row = thought_row(database, step.thought_id)
    cancel(database, settings, row.user_id, row.id, row.turn)
    retry(database, settings, row.id, row.turn)
    late = cancel(database, settings, row.user_id, row.id, row.turn)
    assert (late.outcome, thought_row(database, row.id).status) == (CancelOutcome.MOVED_ON, "pending")


def test_a_save_that_comes_second_is_fenced(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    call = claimed_call(step_store, step)
    row = thought_row(database, step.thought_id)
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as author:
            cancel(author, settings, row.user_id, row.id, row.turn)
            saved = pool.submit(save_step, step_store, step, call)
        assert not saved.result()
    after = thought_row(database, step.thought_id)
    assert (after.status, after.steps_done, agent_run_rows(database, row.id)) == ("failed", 0, [])


def test_a_save_that_comes_first_is_kept_and_the_cancellation_ends_the_rest(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    call = claimed_call(step_store, step)
    row = thought_row(database, step.thought_id)
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as worker:
            assert save_step(StepStore(worker, settings), step, call)
            cancelled = pool.submit(cancel, database, settings, row.user_id, row.id, row.turn)
        assert cancelled.result().outcome is CancelOutcome.CANCELLED
    after = thought_row(database, step.thought_id)
    assert (after.status, after.steps_done, len(agent_run_rows(database, row.id))) == ("failed", 1, 1)
    assert after.step_started_at is None, "no call of the second step was begun"


def test_a_cancellation_behind_the_save_of_the_last_step_comes_too_late(
    database: Database, settings: Settings, step_store: StepStore, step: Step
) -> None:
    last, call = save_last_step(step_store, database, step)
    row = thought_row(database, step.thought_id)
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as worker:
            assert save_step(StepStore(worker, settings), last, call)
            cancelled = pool.submit(cancel, database, settings, row.user_id, row.id, row.turn)
        assert cancelled.result() == CancelResult(CancelOutcome.ENDED)
    assert (thought_row(database, row.id).status, dead_letter_rows(database, row.id)) == ("completed", [])


def test_a_worker_drops_a_call_that_was_cancelled_and_the_next_thought_begins_at_once(
    database: Database, settings: Settings, make_runner: MakeRunner
) -> None:
    user = uuid4()
    first, second = (accept_thought(database, settings, user_id=user) for _ in range(2))
    step = step_of(dispatch_head(database, first))

    def behave(_: CallContext) -> None:
        cancel_thought(database, settings, first.thought_id)
        head = dispatch_head(database, second)
        assert (head.thought_id, head.needs_dispatch) == (second.thought_id, True)

    assert make_runner(FakeProvider(behave)).run(step) == Drop("fenced")
    assert agent_run_rows(database, first.thought_id) == []


def test_a_cancelled_thought_resumes_behind_its_line_with_its_saved_results(
    database: Database, settings: Settings, make_runner: MakeRunner, step: Step
) -> None:
    runner = make_runner(FakeProvider())
    assert runner.run(step) == Advance()
    cancelled = record_of(database, step.thought_id)
    cancel_thought(database, settings, step.thought_id)
    assert retry(database, settings, step.thought_id, cancelled.turn) is RetryOutcome.RETRIED
    (old,) = decide(database, [DecideRequest(cancelled.user_id, (cancelled,), None)])[0].verdicts
    assert old.kind == "done", "the record of the cancelled turn is closed, because its dead letter proves that turn"
    head = poll_head(database, record_of(database, step.thought_id))
    assert (head.turn, head.steps_done) == (2, 1)
    assert runner.run(step_of(head)) == Advance()
    assert [run.turn for run in agent_run_rows(database, step.thought_id)] == [1, 2]
