"""A step whose call is fenced, hangs or takes long: what is written, and who is told."""

from typing import Any

import pytest
import redis

from agents.errors import Cancelled, PermanentError, TransientError
from agents.interface import CallContext
from contracts.database import Database
from contracts.settings import Settings
from tasks.step import Advance, Drop, Requeue
from tasks.step_store import Step
from tests.eventually import eventually
from tests.tasks.conftest import MakeRunner
from tests.tasks.fake_provider import Puppet
from tests.tasks.thoughts import dead_letters, lose, runs, shown, thought


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_renew_seconds": 1.0, "agent_timeout_seconds": 30.0, "kafka_retry_backoff_ms": 40}


def test_a_call_that_was_fenced_while_it_ran_writes_nothing(
    database: Database, settings: Settings, redis_client: redis.Redis, make_runner: MakeRunner, step: Step
) -> None:
    taken: list[Step] = []
    puppet = Puppet(lambda _: taken.append(lose(database, step)), lambda _: None)
    runner = make_runner(puppet)
    assert runner.run(step) == Drop("fenced")
    row = thought(database, step.thought_id)
    assert (row.steps_done, row.attempts, row.losses, runs(database, row.id)) == (0, 1, 1, [])
    assert shown(redis_client, settings, row.user_id) == []
    assert runner.run(taken[0]) == Advance()


@pytest.mark.parametrize("error", [TransientError("busy"), PermanentError("no"), Cancelled("nobody waits")])
def test_a_failure_of_a_fenced_call_writes_nothing(
    database: Database, make_runner: MakeRunner, step: Step, error: Exception
) -> None:
    def play(_: CallContext) -> None:
        lose(database, step)
        raise error

    assert make_runner(Puppet(play)).run(step) == Drop("fenced")
    row = thought(database, step.thought_id)
    assert (row.status, row.error, dead_letters(database, row.id)) == ("processing", None, [])


@pytest.mark.parametrize("overrides", [{"lease_renew_seconds": 0.2}])
def test_a_fenced_call_is_told_that_nobody_waits(database: Database, make_runner: MakeRunner, step: Step) -> None:
    def play(context: CallContext) -> None:
        lose(database, step)
        if context.cancelled.wait(20):
            raise Cancelled("fenced during the call")

    puppet = Puppet(play)
    assert make_runner(puppet).run(step) == Drop("fenced")
    assert puppet.contexts[0].cancelled.is_set()


@pytest.mark.parametrize("overrides", [{"lease_renew_seconds": 0.2, "agent_timeout_seconds": 0.4}])
def test_a_call_that_hangs_is_cancelled_at_its_deadline_and_tried_again(
    database: Database, make_runner: MakeRunner, step: Step
) -> None:
    def play(context: CallContext) -> None:
        if context.cancelled.wait(20):
            raise Cancelled("fenced during the call")

    assert isinstance(make_runner(Puppet(play)).run(step), Requeue)
    row = thought(database, step.thought_id)
    assert row.error["kind"] == "transient"
    assert row.error["message"] == "The agent did not answer within 0.4 s."


@pytest.mark.parametrize("overrides", [{"lease_renew_seconds": 0.2, "agent_timeout_seconds": 0.4}])
def test_a_result_that_comes_after_the_deadline_is_kept_all_the_same(
    database: Database, make_runner: MakeRunner, step: Step
) -> None:
    def play(context: CallContext) -> None:
        context.cancelled.wait(20)

    assert make_runner(Puppet(play)).run(step) == Advance()
    assert len(runs(database, step.thought_id)) == 1


@pytest.mark.parametrize("overrides", [{"lease_renew_seconds": 0.2}])
def test_a_long_call_is_seen_to_live(database: Database, make_runner: MakeRunner, step: Step) -> None:
    def play(_: CallContext) -> None:
        before = thought(database, step.thought_id).beat
        eventually(lambda: thought(database, step.thought_id).beat >= before + 3)

    assert make_runner(Puppet(play)).run(step) == Advance()
