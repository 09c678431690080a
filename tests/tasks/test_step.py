"""A step from its message to its saved result: how it goes, fails and is given up."""

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
from tasks.step import Advance, Drop, Failed, Requeue, StepOutcome, StepRunner
from tasks.step_store import Step
from tests.eventually import eventually
from tests.tasks.agent_results import a_result
from tests.tasks.conftest import MakeRunner
from tests.tasks.fake_provider import Puppet, raising
from tests.tasks.thoughts import SECRET, a_step, change, dead_letters, outbox, runs, shown, thought


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_renew_seconds": 1.0, "agent_timeout_seconds": 30.0, "kafka_retry_backoff_ms": 40}


def run_to_the_end(runner: StepRunner, step: Step) -> StepOutcome:
    """Repeat the message as Celery would after each wait."""

    def ended() -> StepOutcome | None:
        outcome = runner.run(step)
        return None if isinstance(outcome, Requeue) else outcome

    outcome = eventually(ended)
    assert outcome is not None
    return outcome


# --- As it should go


def test_five_steps_complete_a_thought_and_are_shown_one_by_one(
    database: Database, settings: Settings, redis_client: redis.Redis, make_runner: MakeRunner, step: Step
) -> None:
    puppet = Puppet()
    runner, news = make_runner(puppet), redis_client.pubsub()
    news.subscribe(wakeup_channel(settings.redis_sse_prefix))
    assert [runner.run(replace(step, number=number)) for number in range(1, 6)] == [Advance()] * 5
    row = thought(database, step.thought_id)
    assert (row.status, row.error, puppet.calls) == ("completed", None, 5)
    told = shown(redis_client, settings, row.user_id)
    assert [event["data"].get("progress") for event in told] == ["1/5", "2/5", "3/5", "4/5", "5/5", None]
    assert told[-1]["type"] == "thought_completed"
    assert told[-1]["data"]["processing_time_seconds"] == pytest.approx(row.processing_seconds, abs=0.001)
    kafka = [json.loads(bytes(event.value)) for event in outbox(database, settings.kafka_events_topic)]
    assert kafka == [event["data"] for event in told]
    messages = eventually(lambda: news.get_message(ignore_subscribe_messages=True))
    assert messages["data"] == str(row.user_id).encode()


def test_an_agent_is_told_what_its_predecessors_found_and_how_to_be_charged_once(
    database: Database, make_runner: MakeRunner, step: Step
) -> None:
    puppet = Puppet()
    runner = make_runner(puppet)
    runner.run(step)
    runner.run(replace(step, number=2))
    given, context = puppet.given[1], puppet.contexts[1]
    row = thought(database, step.thought_id)
    assert (given.thought_id, given.user_id, given.text) == (str(row.id), str(row.user_id), SECRET)
    assert given.previous == {"classification": {"agent": "classification"}}
    assert (context.attempt, context.deadline_seconds) == (1, 30.0)
    assert context.idempotency_key == f"{row.id}:{row.turn}:2:1"
    assert UUID(context.call_id) == runs(database, step.thought_id)[1].call_id


def test_a_message_that_comes_again_after_its_step_only_rings_on(make_runner: MakeRunner, step: Step) -> None:
    puppet = Puppet()
    runner = make_runner(puppet)
    assert [runner.run(step), runner.run(step)] == [Advance(), Advance()]
    assert puppet.calls == 1


def test_a_message_that_comes_again_during_its_call_ends_there(make_runner: MakeRunner, step: Step) -> None:
    second: list[StepOutcome] = []

    def play(_: CallContext) -> None:
        second.append(runner.run(step))

    puppet = Puppet(play)
    runner = make_runner(puppet)
    assert runner.run(step) == Advance()
    assert (second, puppet.calls) == ([Drop("busy")], 1)


def test_messages_of_another_dispatch_and_of_nobody_end_there(make_runner: MakeRunner, step: Step) -> None:
    puppet = Puppet()
    runner = make_runner(puppet)
    assert runner.run(replace(step, token=0)) == Drop("stale")
    assert runner.run(replace(step, thought_id=UUID(int=0))) == Drop("unknown")
    assert puppet.calls == 0


# --- Retries


def test_a_transient_failure_is_tried_again_after_its_wait(
    database: Database, settings: Settings, make_runner: MakeRunner
) -> None:
    step = a_step(database, settings, "[[fail:classification:transient:2]]")
    runner = make_runner(ScriptedProvider(0, None))
    first = runner.run(step)
    assert isinstance(first, Requeue)
    assert 0.04 <= first.seconds <= 0.05
    row = thought(database, step.thought_id)
    assert (row.call_id, row.attempts, row.error["kind"], row.error["attempts"]) == (None, 1, "transient", 1)
    assert row.not_before > row.beat_at
    assert run_to_the_end(runner, step) == Advance()
    (run,) = runs(database, step.thought_id)
    assert (run.attempts, thought(database, step.thought_id).attempts) == (3, 0)


def test_a_message_that_comes_too_early_is_put_back_for_the_rest_of_the_wait(
    database: Database, make_runner: MakeRunner, step: Step
) -> None:
    puppet = Puppet()
    change(database, step.thought_id, "not_before = now() + interval '30 s'")
    outcome = make_runner(puppet).run(step)
    assert isinstance(outcome, Requeue)
    assert outcome.seconds == pytest.approx(30, abs=5)
    assert (puppet.calls, thought(database, step.thought_id).attempts) == (0, 0)


def test_a_provider_that_asks_for_minutes_is_left_alone_so_long(
    database: Database, make_runner: MakeRunner, step: Step
) -> None:
    runner = make_runner(Puppet(raising(TransientError("busy", retry_after=300.0)), lambda _: None))
    assert runner.run(step) == Requeue(300.0)
    early = runner.run(step)
    assert isinstance(early, Requeue)
    assert early.seconds == pytest.approx(300, abs=20)
    assert thought(database, step.thought_id).attempts == 1


def test_what_the_provider_asks_for_is_waited_for(make_runner: MakeRunner, step: Step) -> None:
    busy = raising(TransientError("busy", retry_after=12.5))
    assert make_runner(Puppet(busy)).run(step) == Requeue(12.5)


def test_after_three_retries_the_thought_is_given_up_whole(
    database: Database, settings: Settings, redis_client: redis.Redis, make_runner: MakeRunner, tmp_path: Path
) -> None:
    step = a_step(database, settings, "[[fail:classification:transient:*]]")
    runner = make_runner(ScriptedProvider(0, CallLog(str(tmp_path / "calls"))))
    assert run_to_the_end(runner, step) == Failed("transient")
    row, (letter,) = thought(database, step.thought_id), dead_letters(database, step.thought_id)
    message = "scripted: transient failure, as the thought demands"
    assert (row.status, row.call_id) == ("failed", None)
    assert row.error == {"agent": "classification", "kind": "transient", "message": message, "attempts": 4}
    assert bytes(letter.value) == bytes(row.event)
    headers = letter.headers
    assert "in run" in headers.pop("stack")
    assert headers == {
        "reason": "transient",
        "error_class": "agents.errors.TransientError",
        "message": message,
        "agent": "classification",
        "attempts": 4,
        "origin": None,
    }
    (told,) = shown(redis_client, settings, row.user_id)
    assert told["type"] == "thought_failed"
    assert (told["data"]["agent"], told["data"]["retry_count"]) == ("classification", 3)
    assert told["data"]["error_message"] == message
    assert json.loads(bytes(outbox(database, settings.kafka_events_topic)[0].value)) == told["data"]
    events = [json.loads(line)["event"] for line in (tmp_path / "calls").read_text().splitlines()]
    assert events == ["start", "error"] * 4
    assert runner.run(step) == Drop("stale")


def test_a_permanent_failure_is_given_up_at_once(
    database: Database, settings: Settings, make_runner: MakeRunner
) -> None:
    step = a_step(database, settings, "[[fail:classification:permanent:1]]")
    assert make_runner(ScriptedProvider(0, None)).run(step) == Failed("permanent")
    assert thought(database, step.thought_id).error["attempts"] == 1


def test_invalid_output_is_tried_again_and_named_when_it_lasts(
    database: Database, make_runner: MakeRunner, step: Step
) -> None:
    puppet = Puppet(raising(InvalidOutput("no JSON")))
    assert run_to_the_end(make_runner(puppet), step) == Failed("invalid")
    assert (puppet.calls, dead_letters(database, step.thought_id)[0].reason) == (4, "invalid")


@pytest.mark.parametrize("overrides", [{"kafka_max_retries": 0}])
def test_without_retries_the_first_failure_is_the_last(make_runner: MakeRunner, step: Step) -> None:
    puppet = Puppet(raising(TransientError("busy")))
    assert make_runner(puppet).run(step) == Failed("transient")
    assert puppet.calls == 1


def test_a_step_whose_workers_all_died_is_given_up_as_lost(
    database: Database, make_runner: MakeRunner, step: Step
) -> None:
    change(database, step.thought_id, "attempts = 4")
    puppet = Puppet()
    assert make_runner(puppet).run(step) == Failed("lost")
    assert (puppet.calls, dead_letters(database, step.thought_id)[0].reason) == (0, "lost")
    assert make_runner(puppet).run(step) == Drop("stale")


# --- What must not leave the body


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
def test_nothing_that_an_agent_raises_leaves_the_body(
    database: Database, make_runner: MakeRunner, step: Step, error: BaseException, outcome: type[StepOutcome]
) -> None:
    runner = make_runner(Puppet(raising(error)))
    assert type(runner.run(step)) is outcome
    assert runner.calls.stuck() == []
    assert thought(database, step.thought_id).call_id is None


def test_a_result_that_postgresql_refuses_is_invalid_and_paid_once(
    database: Database, make_runner: MakeRunner, step: Step
) -> None:
    puppet = Puppet(lambda _: a_result(tokens_in=2**40))
    assert make_runner(puppet).run(step) == Failed("invalid")
    (letter,) = dead_letters(database, step.thought_id)
    assert (puppet.calls, letter.reason) == (1, "invalid")
    assert runs(database, step.thought_id) == []


@pytest.mark.parametrize("result", ["no result at all", a_result(tokens_in=object()), a_result(output="no model")])
def test_a_result_that_cannot_even_be_written_down_is_invalid_and_paid_once(
    database: Database, make_runner: MakeRunner, step: Step, result: AgentResult
) -> None:
    puppet = Puppet(lambda _: result)
    assert make_runner(puppet).run(step) == Failed("invalid")
    assert (puppet.calls, dead_letters(database, step.thought_id)[0].reason) == (1, "invalid")


def test_a_result_with_characters_that_cannot_be_stored_is_cleaned_and_saved(
    database: Database, make_runner: MakeRunner, step: Step
) -> None:
    puppet = Puppet(lambda _: a_result({"a\x00": "\ud800", "b": float("nan")}, model="m\x00"))
    assert make_runner(puppet).run(step) == Advance()
    assert runs(database, step.thought_id)[0].output == {"a\ufffd": "\ufffd", "b": None}


def test_an_error_with_characters_that_cannot_be_stored_is_told_at_once(
    database: Database, settings: Settings, redis_client: redis.Redis, make_runner: MakeRunner, step: Step
) -> None:
    puppet = Puppet(raising(PermanentError("refused: \ud800\x00")))
    assert make_runner(puppet).run(step) == Failed("permanent")
    row = thought(database, step.thought_id)
    assert (row.error["message"], puppet.calls) == ("refused: \ufffd\ufffd", 1)
    assert shown(redis_client, settings, row.user_id)[0]["data"]["error_message"] == "refused: \ufffd\ufffd"
