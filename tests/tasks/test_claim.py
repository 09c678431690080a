"""Claim: every verdict, its repeat, and two callers at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from bridge.consumer.protocol import Head
from contracts.database import Database
from contracts.settings import Settings
from tasks.step_store import Claim, Step, StepStore
from tests.eventually import eventually
from tests.tasks.agent_results import a_result
from tests.tasks.thoughts import (
    SECRET,
    a_step,
    accepted,
    change,
    looked_at,
    record_of,
    step_of,
    taken,
    taken_over,
    thought,
)


def claimed(step_store: StepStore, step: Step, call: UUID | None = None) -> Claim:
    claim = step_store.claim(step, call or uuid4())
    assert claim is not None
    return claim


def save(step_store: StepStore, step: Step, call: UUID) -> bool:
    return step_store.save(step, call, 1, a_result(), seconds=1.0, events=[b"{}"])


def test_a_free_step_is_run_with_all_that_its_agent_may_know(
    database: Database, step_store: StepStore, step: Step
) -> None:
    change(database, step.thought_id, "started_at = now() - interval '3 s'")
    claim = claimed(step_store, step)
    row = thought(database, step.thought_id)
    assert (claim.result, claim.attempts, claim.text) == ("run", 1, SECRET)
    assert (claim.user_id, claim.turn) == (row.user_id, row.turn)
    assert claim.previous == {}
    assert claim.elapsed == pytest.approx(3, abs=2)


def test_a_later_step_is_given_the_saved_outputs(step_store: StepStore, step: Step) -> None:
    call = uuid4()
    claimed(step_store, step, call)
    assert save(step_store, step, call)
    claim = claimed(step_store, replace(step, number=2))
    assert (claim.result, claim.attempts) == ("run", 1)
    assert claim.previous == {"classification": {"said": "yes"}}


def test_the_second_agent_is_given_the_same_authors_earlier_thoughts(
    database: Database, settings: Settings, step_store: StepStore
) -> None:
    author, stranger = uuid4(), uuid4()
    for user, words in ((author, "First"), (author, "Second"), (stranger, "Somebody else's")):
        head = taken(database, accepted(database, settings, words, user))
        change(database, head.thought_id, "status = 'completed', finished_at = now()")
    step = step_of(taken(database, accepted(database, settings, "Third", author)))
    call = uuid4()
    assert claimed(step_store, step, call).earlier == ()
    save(step_store, step, call)
    assert claimed(step_store, replace(step, number=2)).earlier == ["Second", "First"]


def test_a_repeat_with_the_same_call_runs_and_counts_no_attempt(
    database: Database, step_store: StepStore, step: Step
) -> None:
    call = uuid4()
    first, before = claimed(step_store, step, call), thought(database, step.thought_id)
    again, after = claimed(step_store, step, call), thought(database, step.thought_id)
    assert (first.result, again.result, again.attempts, after.attempts) == ("run", "run", 1, 1)
    assert after.beat == before.beat + 1
    assert after.step_started_at == before.step_started_at


def test_another_call_finds_the_step_busy_and_writes_nothing(
    database: Database, step_store: StepStore, step: Step
) -> None:
    claimed(step_store, step)
    before = thought(database, step.thought_id)
    assert claimed(step_store, step).result == "busy"
    assert thought(database, step.thought_id) == before


def test_a_saved_step_is_never_run_again(database: Database, step_store: StepStore, step: Step) -> None:
    call = uuid4()
    claimed(step_store, step, call)
    save(step_store, step, call)
    assert claimed(step_store, step).result == "saved"
    assert claimed(step_store, step, call).result == "saved"
    assert thought(database, step.thought_id).attempts == 0


@pytest.mark.parametrize("token", [-1, +1])
def test_another_token_is_stale(step_store: StepStore, step: Step, token: int) -> None:
    assert claimed(step_store, replace(step, token=step.token + token)).result == "stale"


def test_a_step_whose_predecessor_is_not_saved_is_stale(step_store: StepStore, step: Step) -> None:
    assert claimed(step_store, replace(step, number=2)).result == "stale"


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_thought_that_is_over_is_stale(database: Database, step_store: StepStore, step: Step, status: str) -> None:
    change(database, step.thought_id, f"status = '{status}', finished_at = now()")
    assert claimed(step_store, step).result == "stale"


def test_a_thought_that_nobody_took_is_stale(database: Database, step_store: StepStore, step: Step) -> None:
    change(database, step.thought_id, "status = 'pending'")
    assert claimed(step_store, step).result == "stale"


def test_a_thought_that_is_not_there_has_no_verdict(step_store: StepStore, step: Step) -> None:
    assert step_store.claim(replace(step, thought_id=uuid4()), uuid4()) is None


def test_a_retry_before_its_time_is_early_and_says_how_long(
    database: Database, step_store: StepStore, step: Step
) -> None:
    change(database, step.thought_id, "not_before = now() + interval '30 s'")
    claim = claimed(step_store, step)
    assert claim.result == "early"
    assert claim.wait == pytest.approx(30, abs=5)
    assert thought(database, step.thought_id).attempts == 0


def test_a_retry_whose_time_has_come_runs(database: Database, step_store: StepStore, step: Step) -> None:
    change(database, step.thought_id, "not_before = now() - interval '1 s', attempts = 2")
    assert (claimed(step_store, step).attempts, thought(database, step.thought_id).not_before) == (3, None)


def test_no_call_is_begun_beyond_the_last_attempt(
    database: Database, step_store: StepStore, step: Step, settings: Settings
) -> None:
    change(database, step.thought_id, f"attempts = {settings.max_attempts}")
    claim = claimed(step_store, step)
    assert (claim.result, claim.attempts) == ("exhausted", settings.max_attempts)
    change(database, step.thought_id, f"attempts = {settings.max_attempts - 1}")
    assert claimed(step_store, step).result == "run"


def test_attempts_are_counted_over_dead_workers_and_end(database: Database, step_store: StepStore, step: Step) -> None:
    """Each claim is lost with its worker, and the bridge takes over with a new token."""
    counted = []
    for _ in range(4):
        counted.append(claimed(step_store, step).attempts)
        record = record_of(database, step.thought_id)
        step = step_of(taken_over(database, record, looked_like(database, step)))
    assert counted == [1, 2, 3, 4]
    assert claimed(step_store, step).result == "exhausted"


def looked_like(database: Database, step: Step) -> Head:
    return looked_at(database, record_of(database, step.thought_id))


def test_of_many_callers_at_once_one_runs(database: Database, step_store: StepStore, step: Step) -> None:
    def ask(_: int) -> str:
        while (verdict := claimed(step_store, step).result) == "again":
            pass
        return verdict

    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(ask, range(24)))
    assert sorted(verdicts) == ["busy"] * 23 + ["run"]
    assert thought(database, step.thought_id).attempts == 1


def test_who_lost_a_race_is_told_to_ask_again(database: Database, settings: Settings, step_store: StepStore) -> None:
    """The loser's snapshot shows a free step, but its update waited for the winner's: only a second look can tell."""
    step = a_step(database, settings)
    with ThreadPoolExecutor(1) as pool, database.engine.connect() as winner:
        winner.exec_driver_sql("BEGIN")
        winner.exec_driver_sql(
            "UPDATE thoughts SET call_id = %s, attempts = 1 WHERE id = %s", (uuid4(), step.thought_id)
        )
        loser = pool.submit(claimed, step_store, step)
        eventually(lambda: waits_for_a_lock(database))
        winner.exec_driver_sql("COMMIT")
        assert loser.result(10).result == "again"
    assert claimed(step_store, step).result == "busy"


def waits_for_a_lock(database: Database) -> bool:
    asleep = text(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN "
        "(SELECT pid FROM pg_stat_activity WHERE datname = current_database())"
    )
    return bool(database.rows(asleep)[0][0])
