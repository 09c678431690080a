"""While a model service is unavailable its steps wait: no attempt counts, no lease is held, and nothing is lost."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from agents.errors import ServiceError, TransientError
from contracts.database import Database
from contracts.settings import Settings
from tasks.admission.state_store import LocalStates
from tasks.step import StepRunner
from tasks.step_outcomes import Advance, Drop, Failed, Requeue
from tasks.step_store import Step, StepStore
from tests.tasks.admission.gates import make_gate
from tests.tasks.admission.services import FIRST, FakeServices
from tests.tasks.conftest import MakeRunner
from tests.tasks.step_stores import claimed_call
from tests.tasks.thoughts import (
    agent_run_rows,
    dead_letter_rows,
    dispatch_first_step,
    set_columns,
    take_over_step,
    thought_row,
)

POISON = "a thought whose own calls fail"
WAITING = {"kind": "outage", "message": "The model is unreachable.", "since": None, "until": None}


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_renew_seconds": 1.0, "agent_timeout_seconds": 30.0, "kafka_retry_backoff_ms": 1}


class Time:
    """A clock of the gate that the test advances, so that probes are due."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).timestamp()

    def __call__(self) -> float:
        return self.now


class Outage:
    """A step runner whose service the test controls."""

    def __init__(self, make_runner: MakeRunner, settings: Settings, database: Database) -> None:
        self.services, self.clock, self.database = FakeServices(), Time(), database
        gate = make_gate(self.services, settings, LocalStates(self.clock), clock=self.clock)
        self.runner: StepRunner = make_runner(self.services, gate=gate)

    def run(self, step: Step) -> Any:
        """Run a step at once, whatever it still has to wait."""
        set_columns(self.database, step.thought_id, "not_before = NULL")
        return self.runner.run(step)


@pytest.fixture
def outage(make_runner: MakeRunner, settings: Settings, database: Database) -> Outage:
    return Outage(make_runner, settings, database)


def test_thoughts_wait_through_a_long_outage_and_continue_without_a_lost_attempt(
    outage: Outage, database: Database, settings: Settings
) -> None:
    steps = [dispatch_first_step(database, settings) for _ in range(8)]
    outage.services.failures[FIRST] = "outage"
    for _ in range(30):
        assert all(isinstance(outage.run(step), Requeue) for step in steps)
        outage.clock.now += 61
    assert [len(dead_letter_rows(database, step.thought_id)) for step in steps] == [0] * 8
    outage.services.failures.clear()
    for _ in range(8):
        outcomes = [outage.run(step) for step in steps]
        outage.clock.now += 5
    assert outcomes == [Advance()] * 8
    attempts = [agent_run_rows(database, step.thought_id)[0].attempts for step in steps]
    assert max(attempts) <= settings.max_attempts


def test_a_waiting_step_says_why_holds_no_call_and_counts_no_attempt(
    outage: Outage, database: Database, step: Step
) -> None:
    outage.services.failures[FIRST] = "refused_key"
    outcome = outage.run(step)
    row = thought_row(database, step.thought_id)
    assert isinstance(outcome, Requeue)
    assert 0 < outcome.seconds <= 6
    assert (row.call_id, row.attempts, row.status) == (None, 0, "processing")
    assert (row.waiting["kind"], row.waiting["until"]) == ("refused", None)
    assert row.not_before is not None
    assert outage.services.calls == [FIRST]


def test_while_the_service_is_unavailable_no_call_is_begun(outage: Outage, database: Database, step: Step) -> None:
    outage.services.failures[FIRST] = "quota"
    for _ in range(5):
        assert isinstance(outage.run(step), Requeue)
    assert outage.services.calls == [FIRST]
    assert thought_row(database, step.thought_id).attempts == 0


def test_a_step_that_continues_shows_no_reason_to_wait_any_more(outage: Outage, database: Database, step: Step) -> None:
    outage.services.failures[FIRST] = "quota"
    outage.run(step)
    outage.services.failures.clear()
    outage.clock.now += 10
    assert outage.run(step) == Advance()
    assert thought_row(database, step.thought_id).waiting is None
    assert agent_run_rows(database, step.thought_id)[0].attempts == 1


def test_a_thought_whose_own_calls_fail_is_dead_lettered_after_three_retries(
    outage: Outage, database: Database, settings: Settings
) -> None:
    step = dispatch_first_step(database, settings, POISON)
    outage.services.own_failures.add(POISON)
    outcomes = [outage.run(step) for _ in range(settings.max_attempts)]
    assert outcomes[-1] == Failed("transient")
    assert [letter.reason for letter in dead_letter_rows(database, step.thought_id)] == ["transient"]
    assert len(outage.services.calls) == settings.max_attempts


def test_a_thought_whose_own_calls_are_refused_ends_too_and_makes_no_other_thought_wait(
    outage: Outage, database: Database, settings: Settings
) -> None:
    poison, other = dispatch_first_step(database, settings, POISON), dispatch_first_step(database, settings)
    outage.services.own_failures.add(POISON)
    outage.services.own_cause = "refused_key"
    outage.run(poison)
    assert outage.run(other) == Advance()
    outcomes = [outage.run(poison) for _ in range(settings.max_attempts - 1)]
    assert outcomes[-1] == Failed("transient")


def test_another_transient_error_says_nothing_about_the_service(
    make_runner: MakeRunner, settings: Settings, database: Database
) -> None:
    outage = Outage(make_runner, settings, database)
    outage.services.run = _raise_transient  # type: ignore[method-assign,assignment]
    steps = [dispatch_first_step(database, settings) for _ in range(10)]
    for step in steps:
        outage.run(step)
    assert {thought_row(database, step.thought_id).attempts for step in steps} == {1}


def test_a_call_that_ends_during_an_outage_with_another_transient_error_does_not_end_the_outage(
    outage: Outage, database: Database, settings: Settings, step: Step
) -> None:
    def fail_late(*_: Any) -> Any:
        outage.services.run = FakeServices.run.__get__(outage.services)  # type: ignore[method-assign]
        outage.services.failures[FIRST] = "quota"
        outage.run(dispatch_first_step(database, settings))
        raise TransientError("an answer that reports an error")

    outage.services.run = fail_late  # type: ignore[method-assign,assignment]
    outage.run(step)
    outage.run(dispatch_first_step(database, settings))
    assert outage.services.calls == [FIRST]


def _raise_transient(*_: Any) -> Any:
    raise TransientError("an answer that reports an error")


def test_a_message_of_a_superseded_dispatch_defers_nothing(outage: Outage, database: Database, step: Step) -> None:
    assert_defers_nothing(outage, database, step, "dispatch_id = dispatch_id + 1", Drop("stale"))


def test_a_message_of_a_saved_step_defers_nothing(outage: Outage, database: Database, step: Step) -> None:
    assert_defers_nothing(outage, database, step, "steps_done = 1", Advance())


def test_a_message_of_a_pending_thought_defers_nothing(outage: Outage, database: Database, step: Step) -> None:
    assert_defers_nothing(outage, database, step, "status = 'pending'", Drop("stale"))


def assert_defers_nothing(outage: Outage, database: Database, step: Step, change: str, outcome: Any) -> None:
    """Run a step during an outage whose thought was changed in the meantime."""
    outage.services.failures[FIRST] = "quota"
    outage.run(dispatch_first_step(database, outage.runner._settings))
    set_columns(database, step.thought_id, change)
    before = thought_row(database, step.thought_id)
    assert outage.runner.run(step) == outcome
    assert thought_row(database, step.thought_id) == before


def test_a_step_whose_workers_all_died_fails_even_while_the_service_is_unavailable(
    outage: Outage, database: Database, settings: Settings, step: Step
) -> None:
    outage.services.failures[FIRST] = "quota"
    outage.run(dispatch_first_step(database, settings))
    set_columns(database, step.thought_id, f"attempts = {settings.max_attempts}")
    assert outage.runner.run(step) == Failed("lost")


def test_only_the_call_in_progress_can_give_back_its_attempt(
    step_store: StepStore, database: Database, step: Step
) -> None:
    claimed_call(step_store, step)
    before = thought_row(database, step.thought_id)
    refused = step_store.defer(step, uuid4(), wait=1.0, waiting=WAITING)
    without_call = step_store.defer(step, None, wait=1.0, waiting=WAITING)
    assert refused is not None
    assert without_call is not None
    assert (refused.result, without_call.result) == ("fenced", "busy")
    assert thought_row(database, step.thought_id) == before


def test_a_call_that_was_taken_over_cannot_defer_the_step(
    step_store: StepStore, database: Database, step: Step
) -> None:
    call_id = claimed_call(step_store, step)
    take_over_step(database, step)
    before = thought_row(database, step.thought_id)
    late = step_store.defer(step, call_id, wait=1.0, waiting=WAITING)
    assert late is not None
    assert late.result == "fenced"
    assert thought_row(database, step.thought_id) == before


def test_a_deferral_never_shortens_the_wait_of_a_retry(step_store: StepStore, database: Database, step: Step) -> None:
    set_columns(database, step.thought_id, "not_before = now() + interval '30 min', attempts = 1")
    before = thought_row(database, step.thought_id)
    deferred = step_store.defer(step, None, wait=1.0, waiting=WAITING)
    after = thought_row(database, step.thought_id)
    assert deferred is not None
    assert deferred.result == "deferred"
    assert (after.not_before, after.attempts, after.beat) == (before.not_before, 1, before.beat + 1)


def test_a_deferred_step_starts_its_lease_again(outage: Outage, database: Database, step: Step) -> None:
    outage.services.failures[FIRST] = "quota"
    before = thought_row(database, step.thought_id)
    outage.runner.run(step)
    after = thought_row(database, step.thought_id)
    assert after.beat > before.beat
    assert after.sends == 1


def test_an_unknown_thought_is_dropped(outage: Outage, step: Step) -> None:
    outage.services.failures[FIRST] = "quota"
    outage.run(step)
    assert outage.runner.run(replace(step, thought_id=uuid4())) == Drop("unknown")


def test_the_message_of_a_service_failure_reaches_the_author_without_its_cure() -> None:
    error = ServiceError("The model refuses the call.", "refused_key", cure="Correct OPENAI_API_KEY.")
    assert "OPENAI_API_KEY" not in str(error)


def test_an_outage_gives_back_the_attempts_that_showed_it(outage: Outage, database: Database, step: Step) -> None:
    outage.services.failures[FIRST] = "outage"
    for _ in range(3):
        outage.run(step)
    counted = thought_row(database, step.thought_id)
    outage.run(step)  # the last attempt: the probe confirms the outage
    given_back = thought_row(database, step.thought_id)
    assert (counted.attempts, counted.service_failures) == (3, 3)
    assert (given_back.attempts, given_back.service_failures) == (0, 0)


def test_a_thought_that_waits_when_others_show_the_outage_gets_its_attempts_back(
    outage: Outage, database: Database, settings: Settings
) -> None:
    steps = [dispatch_first_step(database, settings) for _ in range(3)]
    outage.services.failures[FIRST] = "outage"
    for step in [*steps, *steps]:
        outage.run(step)
    outage.run(steps[0])
    assert [thought_row(database, step.thought_id).attempts for step in steps[:1]] == [0]
    assert isinstance(outage.run(steps[1]), Requeue)
    assert thought_row(database, steps[1].thought_id).attempts == 0


def test_the_attempts_that_failed_for_another_reason_stay_counted(
    outage: Outage, step_store: StepStore, database: Database, step: Step
) -> None:
    call_id = claimed_call(step_store, step)
    step_store.schedule_retry(step, call_id, backoff=0.0, error={"kind": "invalid"})
    outage.services.failures[FIRST] = "quota"
    outage.run(step)
    assert thought_row(database, step.thought_id).attempts == 1
