"""CLAIM: every result, its repeat after a lost answer, and concurrent claims."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from contracts.database import Database
from contracts.settings import Settings
from tasks.step_store import Claim, Step, StepStore
from tests.eventually import eventually
from tests.tasks.step_stores import save_step
from tests.tasks.thoughts import (
    SECRET,
    dispatch_first_step,
    set_columns,
    take_over_step,
    thought_row,
)


def claim_step(step_store: StepStore, step: Step, call: UUID | None = None) -> Claim:
    claim = step_store.claim(step, call or uuid4())
    assert claim is not None
    return claim


def test_claiming_a_free_step_returns_run_and_the_input_of_its_agent(
    database: Database, step_store: StepStore, step: Step
) -> None:
    set_columns(database, step.thought_id, "started_at = now() - interval '3 s'")
    claim = claim_step(step_store, step)
    row = thought_row(database, step.thought_id)
    assert (claim.result, claim.attempts, claim.text) == ("run", 1, SECRET)
    assert (claim.user_id, claim.turn, claim.written_at) == (row.user_id, row.turn, row.created_at)
    assert claim.previous == {}
    assert claim.elapsed == pytest.approx(3, abs=2)


def test_claiming_a_later_step_returns_the_saved_outputs(step_store: StepStore, step: Step) -> None:
    call = uuid4()
    claim_step(step_store, step, call)
    assert save_step(step_store, step, call)
    claim = claim_step(step_store, replace(step, number=2))
    assert (claim.result, claim.attempts) == ("run", 1)
    assert claim.previous == {"classification": {"answer": "yes"}}


def test_a_repeated_claim_of_the_same_call_returns_run_and_counts_no_attempt(
    database: Database, step_store: StepStore, step: Step
) -> None:
    call = uuid4()
    first, before = claim_step(step_store, step, call), thought_row(database, step.thought_id)
    repeated, after = claim_step(step_store, step, call), thought_row(database, step.thought_id)
    assert (first.result, repeated.result, repeated.attempts, after.attempts) == ("run", "run", 1, 1)
    assert after.beat == before.beat + 1
    assert after.step_started_at == before.step_started_at


def test_a_claim_during_another_call_returns_busy_and_writes_nothing(
    database: Database, step_store: StepStore, step: Step
) -> None:
    claim_step(step_store, step)
    before = thought_row(database, step.thought_id)
    assert claim_step(step_store, step).result == "busy"
    assert thought_row(database, step.thought_id) == before


def test_a_claim_of_a_saved_step_returns_saved(database: Database, step_store: StepStore, step: Step) -> None:
    call = uuid4()
    claim_step(step_store, step, call)
    save_step(step_store, step, call)
    assert claim_step(step_store, step).result == "saved"
    assert claim_step(step_store, step, call).result == "saved"
    assert thought_row(database, step.thought_id).attempts == 0


@pytest.mark.parametrize("difference", [-1, +1])
def test_a_claim_with_another_dispatch_id_is_stale(step_store: StepStore, step: Step, difference: int) -> None:
    assert claim_step(step_store, replace(step, dispatch_id=step.dispatch_id + difference)).result == "stale"


def test_a_claim_before_the_preceding_step_is_saved_is_stale(step_store: StepStore, step: Step) -> None:
    assert claim_step(step_store, replace(step, number=2)).result == "stale"


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_claim_of_a_terminal_thought_is_stale(
    database: Database, step_store: StepStore, step: Step, status: str
) -> None:
    set_columns(database, step.thought_id, f"status = '{status}', finished_at = now()")
    assert claim_step(step_store, step).result == "stale"


def test_a_claim_of_a_pending_thought_is_stale(database: Database, step_store: StepStore, step: Step) -> None:
    set_columns(database, step.thought_id, "status = 'pending'")
    assert claim_step(step_store, step).result == "stale"


def test_a_claim_of_an_unknown_thought_returns_none(step_store: StepStore, step: Step) -> None:
    assert step_store.claim(replace(step, thought_id=uuid4()), uuid4()) is None


def test_a_claim_before_the_retry_is_due_is_early_and_returns_the_wait(
    database: Database, step_store: StepStore, step: Step
) -> None:
    set_columns(database, step.thought_id, "not_before = now() + interval '30 s'")
    claim = claim_step(step_store, step)
    assert claim.result == "early"
    assert claim.wait == pytest.approx(30, abs=5)
    assert thought_row(database, step.thought_id).attempts == 0


def test_a_claim_of_a_due_retry_runs(database: Database, step_store: StepStore, step: Step) -> None:
    set_columns(database, step.thought_id, "not_before = now() - interval '1 s', attempts = 2")
    assert (claim_step(step_store, step).attempts, thought_row(database, step.thought_id).not_before) == (3, None)


def test_a_claim_after_the_last_attempt_is_exhausted(
    database: Database, step_store: StepStore, step: Step, settings: Settings
) -> None:
    set_columns(database, step.thought_id, f"attempts = {settings.max_attempts}")
    claim = claim_step(step_store, step)
    assert (claim.result, claim.attempts) == ("exhausted", settings.max_attempts)
    set_columns(database, step.thought_id, f"attempts = {settings.max_attempts - 1}")
    assert claim_step(step_store, step).result == "run"


def test_attempts_are_counted_across_dead_workers_until_they_are_exhausted(
    database: Database, step_store: StepStore, step: Step
) -> None:
    """Each worker dies in its call, and a bridge takes over with a new dispatch_id."""
    attempts = []
    for _ in range(4):
        attempts.append(claim_step(step_store, step).attempts)
        step = take_over_step(database, step)
    assert attempts == [1, 2, 3, 4]
    assert claim_step(step_store, step).result == "exhausted"


def test_exactly_one_of_many_concurrent_claims_runs(database: Database, step_store: StepStore, step: Step) -> None:
    def claim(_: int) -> str:
        while (result := claim_step(step_store, step).result) == "again":
            pass
        return result

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(claim, range(24)))
    assert sorted(results) == ["busy"] * 23 + ["run"]
    assert thought_row(database, step.thought_id).attempts == 1


def test_a_claim_that_loses_a_race_returns_again(database: Database, settings: Settings, step_store: StepStore) -> None:
    """The loser's snapshot shows a free step, but its update waited for the winner's: only a new claim can tell."""
    step = dispatch_first_step(database, settings)
    with ThreadPoolExecutor(1) as pool, database.engine.connect() as winner:
        winner.exec_driver_sql("BEGIN")
        winner.exec_driver_sql(
            "UPDATE thoughts SET call_id = %s, attempts = 1 WHERE id = %s", (uuid4(), step.thought_id)
        )
        loser = pool.submit(claim_step, step_store, step)
        eventually(lambda: has_lock_waiter(database))
        winner.exec_driver_sql("COMMIT")
        assert loser.result(10).result == "again"
    assert claim_step(step_store, step).result == "busy"


def has_lock_waiter(database: Database) -> bool:
    statement = text(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN "
        "(SELECT pid FROM pg_stat_activity WHERE datname = current_database())"
    )
    return bool(database.rows(statement)[0][0])
