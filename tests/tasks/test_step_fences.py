"""A step whose call is fenced, hangs or takes long: what is written and published."""

from typing import Any

import pytest
import redis

from agents.errors import Cancelled, PermanentError, TransientError
from agents.interface import CallContext
from contracts.database import Database
from contracts.settings import Settings
from tasks.step_outcomes import Advance, Drop, Requeue
from tasks.step_store import Step
from tests.eventually import eventually
from tests.tasks.conftest import MakeRunner
from tests.tasks.fake_provider import FakeProvider
from tests.tasks.thoughts import agent_run_rows, dead_letter_rows, published_events, take_over_step, thought_row


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_renew_seconds": 1.0, "agent_timeout_seconds": 30.0, "kafka_retry_backoff_ms": 40}


def test_a_call_that_is_fenced_while_it_runs_writes_nothing(
    database: Database, settings: Settings, redis_client: redis.Redis, make_runner: MakeRunner, step: Step
) -> None:
    new_steps: list[Step] = []
    provider = FakeProvider(lambda _: new_steps.append(take_over_step(database, step)), lambda _: None)
    runner = make_runner(provider)
    assert runner.run(step) == Drop("fenced")
    row = thought_row(database, step.thought_id)
    assert (row.steps_done, row.attempts, row.losses, agent_run_rows(database, row.id)) == (0, 1, 1, [])
    assert published_events(redis_client, settings, row.user_id) == []
    assert runner.run(new_steps[0]) == Advance()


@pytest.mark.parametrize("error", [TransientError("busy"), PermanentError("no"), Cancelled("the call is cancelled")])
def test_a_failure_of_a_fenced_call_writes_nothing(
    database: Database, make_runner: MakeRunner, step: Step, error: Exception
) -> None:
    def behave(_: CallContext) -> None:
        take_over_step(database, step)
        raise error

    assert make_runner(FakeProvider(behave)).run(step) == Drop("fenced")
    row = thought_row(database, step.thought_id)
    assert (row.status, row.error, dead_letter_rows(database, row.id)) == ("processing", None, [])


@pytest.mark.parametrize("overrides", [{"lease_renew_seconds": 0.2}])
def test_a_fenced_call_is_cancelled(database: Database, make_runner: MakeRunner, step: Step) -> None:
    def behave(context: CallContext) -> None:
        take_over_step(database, step)
        if context.cancelled.wait(20):
            raise Cancelled("fenced during the call")

    provider = FakeProvider(behave)
    assert make_runner(provider).run(step) == Drop("fenced")
    assert provider.contexts[0].cancelled.is_set()


@pytest.mark.parametrize("overrides", [{"lease_renew_seconds": 0.2, "agent_timeout_seconds": 0.4}])
def test_a_hanging_call_is_cancelled_at_its_deadline_and_retried(
    database: Database, make_runner: MakeRunner, step: Step
) -> None:
    def behave(context: CallContext) -> None:
        if context.cancelled.wait(20):
            raise Cancelled("fenced during the call")

    assert isinstance(make_runner(FakeProvider(behave)).run(step), Requeue)
    row = thought_row(database, step.thought_id)
    assert row.error["kind"] == "transient"
    assert row.error["message"] == "The agent did not answer within 0.4 s."


@pytest.mark.parametrize("overrides", [{"lease_renew_seconds": 0.2, "agent_timeout_seconds": 0.4}])
def test_a_result_after_the_deadline_is_saved(database: Database, make_runner: MakeRunner, step: Step) -> None:
    def behave(context: CallContext) -> None:
        context.cancelled.wait(20)

    assert make_runner(FakeProvider(behave)).run(step) == Advance()
    assert len(agent_run_rows(database, step.thought_id)) == 1


@pytest.mark.parametrize("overrides", [{"lease_renew_seconds": 0.2}])
def test_the_lease_of_a_long_call_is_renewed(database: Database, make_runner: MakeRunner, step: Step) -> None:
    def behave(_: CallContext) -> None:
        before = thought_row(database, step.thought_id).beat
        eventually(lambda: thought_row(database, step.thought_id).beat >= before + 3)

    assert make_runner(FakeProvider(behave)).run(step) == Advance()
