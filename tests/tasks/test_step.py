"""A step from its message to its saved result: success, retries and failure."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import redis

from agents.errors import InvalidOutput, PermanentError, TransientError
from agents.interface import AgentResult, CallContext
from agents.scripted.call_log import CallLog
from agents.scripted.provider import ScriptedProvider
from contracts.database import Database
from contracts.progress import wakeup_channel
from contracts.settings import Settings
from tasks.step import StepRunner
from tasks.step_outcomes import Advance, Drop, Failed, Requeue, StepOutcome
from tasks.step_store import Step
from tests.eventually import eventually
from tests.tasks.agent_results import make_result
from tests.tasks.conftest import MakeRunner
from tests.tasks.fake_provider import FakeProvider, raising
from tests.tasks.thoughts import (
    SECRET,
    agent_run_rows,
    dead_letter_rows,
    dispatch_first_step,
    outbox_rows,
    published_events,
    set_columns,
    thought_row,
)


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_renew_seconds": 1.0, "agent_timeout_seconds": 30.0, "kafka_retry_backoff_ms": 40}


def run_with_retries(runner: StepRunner, step: Step) -> StepOutcome:
    """Run a step until it is not requeued, as Celery does with a countdown; return the outcome."""

    def final_outcome() -> StepOutcome | None:
        outcome = runner.run(step)
        return None if isinstance(outcome, Requeue) else outcome

    outcome = eventually(final_outcome)
    assert outcome is not None
    return outcome


# --- Success


def test_five_steps_complete_a_thought_and_publish_their_progress(
    database: Database, settings: Settings, redis_client: redis.Redis, make_runner: MakeRunner, step: Step
) -> None:
    provider = FakeProvider()
    runner, subscription = make_runner(provider), redis_client.pubsub()
    subscription.subscribe(wakeup_channel(settings.redis_prefix))
    assert [runner.run(replace(step, number=number)) for number in range(1, 6)] == [Advance()] * 5
    row = thought_row(database, step.thought_id)
    assert (row.status, row.error, provider.calls) == ("completed", None, 5)
    published = published_events(redis_client, settings, row.user_id)
    assert [event["data"].get("progress") for event in published] == ["1/5", "2/5", "3/5", "4/5", "5/5", None]
    assert published[-1]["type"] == "thought_completed"
    assert published[-1]["data"]["processing_time_seconds"] == pytest.approx(row.processing_seconds, abs=0.001)
    kafka_events = [json.loads(bytes(event.value)) for event in outbox_rows(database, settings.kafka_events_topic)]
    assert kafka_events == [event["data"] for event in published]
    message = eventually(lambda: subscription.get_message(ignore_subscribe_messages=True))
    assert message["data"] == str(row.user_id).encode()


def test_an_agent_receives_the_earlier_outputs_and_an_idempotency_key(
    database: Database, make_runner: MakeRunner, step: Step
) -> None:
    provider = FakeProvider()
    runner = make_runner(provider)
    runner.run(step)
    runner.run(replace(step, number=2))
    agent_input, context = provider.inputs[1], provider.contexts[1]
    row = thought_row(database, step.thought_id)
    assert (agent_input.thought_id, agent_input.user_id, agent_input.text) == (str(row.id), str(row.user_id), SECRET)
    assert agent_input.previous == {"classification": {"agent": "classification"}}
    assert agent_input.written_at == row.created_at
    assert (context.attempt, context.deadline_seconds) == (1, 30.0)
    assert context.idempotency_key == f"{row.id}:{row.turn}:2:1"
    assert UUID(context.call_id) == agent_run_rows(database, step.thought_id)[1].call_id


def test_a_duplicate_message_of_a_saved_step_advances_without_a_call(make_runner: MakeRunner, step: Step) -> None:
    provider = FakeProvider()
    runner = make_runner(provider)
    assert [runner.run(step), runner.run(step)] == [Advance(), Advance()]
    assert provider.calls == 1


def test_a_duplicate_message_during_the_call_is_dropped(make_runner: MakeRunner, step: Step) -> None:
    duplicates: list[StepOutcome] = []

    def behave(_: CallContext) -> None:
        duplicates.append(runner.run(step))

    provider = FakeProvider(behave)
    runner = make_runner(provider)
    assert runner.run(step) == Advance()
    assert (duplicates, provider.calls) == ([Drop("busy")], 1)


def test_messages_of_another_dispatch_or_an_unknown_thought_are_dropped(make_runner: MakeRunner, step: Step) -> None:
    provider = FakeProvider()
    runner = make_runner(provider)
    assert runner.run(replace(step, dispatch_id=0)) == Drop("stale")
    assert runner.run(replace(step, thought_id=UUID(int=0))) == Drop("unknown")
    assert provider.calls == 0


# --- Retries


def test_a_transient_failure_is_retried_after_its_backoff(
    database: Database, settings: Settings, make_runner: MakeRunner
) -> None:
    step = dispatch_first_step(database, settings, "[[fail:classification:transient:2]]")
    runner = make_runner(ScriptedProvider(0, None))
    outcome = runner.run(step)
    assert isinstance(outcome, Requeue)
    assert 0.04 <= outcome.seconds <= 0.05
    row = thought_row(database, step.thought_id)
    assert (row.call_id, row.attempts, row.error["kind"], row.error["attempts"]) == (None, 1, "transient", 1)
    assert row.not_before > row.beat_at
    assert run_with_retries(runner, step) == Advance()
    (run,) = agent_run_rows(database, step.thought_id)
    assert (run.attempts, thought_row(database, step.thought_id).attempts) == (3, 0)


def test_a_message_before_the_retry_is_due_is_requeued_for_the_remaining_time(
    database: Database, make_runner: MakeRunner, step: Step
) -> None:
    provider = FakeProvider()
    set_columns(database, step.thought_id, "not_before = now() + interval '30 s'")
    outcome = make_runner(provider).run(step)
    assert isinstance(outcome, Requeue)
    assert outcome.seconds == pytest.approx(30, abs=5)
    assert (provider.calls, thought_row(database, step.thought_id).attempts) == (0, 0)


def test_a_retry_after_of_minutes_delays_the_next_call_that_long(
    database: Database, make_runner: MakeRunner, step: Step
) -> None:
    runner = make_runner(FakeProvider(raising(TransientError("busy", retry_after=300.0)), lambda _: None))
    assert runner.run(step) == Requeue(300.0)
    early_outcome = runner.run(step)
    assert isinstance(early_outcome, Requeue)
    assert early_outcome.seconds == pytest.approx(300, abs=20)
    assert thought_row(database, step.thought_id).attempts == 1


def test_a_retry_after_is_the_delay_of_the_requeue(make_runner: MakeRunner, step: Step) -> None:
    busy = raising(TransientError("busy", retry_after=12.5))
    assert make_runner(FakeProvider(busy)).run(step) == Requeue(12.5)


def test_a_thought_fails_completely_after_three_retries(
    database: Database, settings: Settings, redis_client: redis.Redis, make_runner: MakeRunner, tmp_path: Path
) -> None:
    step = dispatch_first_step(database, settings, "[[fail:classification:transient:*]]")
    runner = make_runner(ScriptedProvider(0, CallLog(str(tmp_path / "calls"))))
    assert run_with_retries(runner, step) == Failed("transient")
    row, (dead_letter,) = thought_row(database, step.thought_id), dead_letter_rows(database, step.thought_id)
    message = "scripted: transient failure, as the thought's directive says"
    assert (row.status, row.call_id) == ("failed", None)
    assert row.error == {"agent": "classification", "kind": "transient", "message": message, "attempts": 4}
    assert bytes(dead_letter.value) == bytes(row.event)
    headers = dead_letter.headers
    assert "in run" in headers.pop("stack")
    assert headers == {
        "reason": "transient",
        "error_class": "agents.errors.TransientError",
        "message": message,
        "agent": "classification",
        "attempts": 4,
        "origin": None,
    }
    (event,) = published_events(redis_client, settings, row.user_id)
    assert event["type"] == "thought_failed"
    assert (event["data"]["agent"], event["data"]["retry_count"]) == ("classification", 3)
    assert event["data"]["error_message"] == message
    assert json.loads(bytes(outbox_rows(database, settings.kafka_events_topic)[0].value)) == event["data"]
    events = [json.loads(line)["event"] for line in (tmp_path / "calls").read_text().splitlines()]
    assert events == ["start", "error"] * 4
    assert runner.run(step) == Drop("stale")


def test_a_permanent_failure_fails_the_thought_at_once(
    database: Database, settings: Settings, make_runner: MakeRunner
) -> None:
    step = dispatch_first_step(database, settings, "[[fail:classification:permanent:1]]")
    assert make_runner(ScriptedProvider(0, None)).run(step) == Failed("permanent")
    assert thought_row(database, step.thought_id).error["attempts"] == 1


def test_invalid_output_is_retried_and_fails_the_thought_as_invalid(
    database: Database, make_runner: MakeRunner, step: Step
) -> None:
    provider = FakeProvider(raising(InvalidOutput("no JSON")))
    assert run_with_retries(make_runner(provider), step) == Failed("invalid")
    assert (provider.calls, dead_letter_rows(database, step.thought_id)[0].reason) == (4, "invalid")


@pytest.mark.parametrize("overrides", [{"kafka_max_retries": 0}])
def test_without_retries_the_first_failure_fails_the_thought(make_runner: MakeRunner, step: Step) -> None:
    provider = FakeProvider(raising(TransientError("busy")))
    assert make_runner(provider).run(step) == Failed("transient")
    assert provider.calls == 1


def test_a_step_whose_workers_all_died_fails_as_lost(database: Database, make_runner: MakeRunner, step: Step) -> None:
    set_columns(database, step.thought_id, "attempts = 4")
    provider = FakeProvider()
    assert make_runner(provider).run(step) == Failed("lost")
    assert (provider.calls, dead_letter_rows(database, step.thought_id)[0].reason) == (0, "lost")
    assert make_runner(provider).run(step) == Drop("stale")


# --- Errors and results that a provider must not produce


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (MemoryError(), Requeue),
        (SystemExit(3), Failed),
        (KeyboardInterrupt(), Failed),
        (GeneratorExit(), Failed),
        (RecursionError(), Failed),
        (StopIteration(), Failed),
    ],
)
def test_no_exception_of_an_agent_leaves_the_step(
    database: Database, make_runner: MakeRunner, step: Step, error: BaseException, outcome: type[StepOutcome]
) -> None:
    runner = make_runner(FakeProvider(raising(error)))
    assert type(runner.run(step)) is outcome
    assert runner.calls.stuck() == []
    assert thought_row(database, step.thought_id).call_id is None


def test_a_result_that_postgresql_rejects_is_invalid_and_paid_once(
    database: Database, make_runner: MakeRunner, step: Step
) -> None:
    provider = FakeProvider(lambda _: make_result(tokens_in=2**40))
    assert make_runner(provider).run(step) == Failed("invalid")
    (dead_letter,) = dead_letter_rows(database, step.thought_id)
    assert (provider.calls, dead_letter.reason) == (1, "invalid")
    assert agent_run_rows(database, step.thought_id) == []


@pytest.mark.parametrize("result", ["not a result", make_result(tokens_in=object()), make_result(output="not a model")])
def test_a_result_that_cannot_be_serialised_is_invalid_and_paid_once(
    database: Database, make_runner: MakeRunner, step: Step, result: AgentResult
) -> None:
    provider = FakeProvider(lambda _: result)
    assert make_runner(provider).run(step) == Failed("invalid")
    assert (provider.calls, dead_letter_rows(database, step.thought_id)[0].reason) == (1, "invalid")


def test_a_result_with_invalid_characters_is_cleaned_and_saved(
    database: Database, make_runner: MakeRunner, step: Step
) -> None:
    provider = FakeProvider(lambda _: make_result({"a\x00": "\ud800", "b": float("nan")}, model="m\x00"))
    assert make_runner(provider).run(step) == Advance()
    assert agent_run_rows(database, step.thought_id)[0].output == {"a\ufffd": "\ufffd", "b": None}


def test_an_error_message_with_invalid_characters_is_cleaned_and_published(
    database: Database, settings: Settings, redis_client: redis.Redis, make_runner: MakeRunner, step: Step
) -> None:
    provider = FakeProvider(raising(PermanentError("rejected: \ud800\x00")))
    assert make_runner(provider).run(step) == Failed("permanent")
    row = thought_row(database, step.thought_id)
    assert (row.error["message"], provider.calls) == ("rejected: \ufffd\ufffd", 1)
    assert published_events(redis_client, settings, row.user_id)[0]["data"]["error_message"] == "rejected: \ufffd\ufffd"
