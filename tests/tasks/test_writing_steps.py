"""A step shows what its model writes, stores none of it, and shows nothing of a call that has ended."""

import queue
from typing import Any

import pytest
import redis

from agents.errors import Cancelled, TransientError
from agents.interface import AgentResult, CallContext
from agents.scripted.provider import ScriptedProvider
from contracts.database import Database
from contracts.progress import stream_key
from contracts.settings import Settings
from tasks.step import StepRunner
from tasks.step_outcomes import Advance, Drop, Requeue
from tasks.step_store import Step
from tests.eventually import eventually
from tests.tasks.conftest import MakeRunner
from tests.tasks.fake_provider import FakeProvider
from tests.tasks.partial_texts import on_redis
from tests.tasks.thoughts import dispatch_first_step, outbox_rows, take_over_step, thought_row


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_renew_seconds": 1.0, "agent_timeout_seconds": 30.0, "kafka_retry_backoff_ms": 40}


@pytest.fixture
def make_showing_runner(make_runner: MakeRunner, settings: Settings) -> MakeRunner:
    def make(*args: Any, **replacements: Any) -> StepRunner:
        return make_runner(*args, show_progress=on_redis(settings.redis_url, settings).show, **replacements)

    return make


def test_a_step_shows_what_its_model_writes_and_stores_none_of_it(
    database: Database,
    settings: Settings,
    redis_client: redis.Redis,
    make_showing_runner: MakeRunner,
    received: "queue.Queue[str]",
    step: Step,
) -> None:
    def write(context: CallContext) -> AgentResult | None:
        context.on_progress({"implied_needs": [{"statement": "to rest"}], "type": "task"})
        assert '"to rest"' in received.get(timeout=20)
        return None

    assert make_showing_runner(FakeProvider(write)).run(step) == Advance()
    row = thought_row(database, step.thought_id)
    entries: Any = redis_client.xrange(stream_key(settings.redis_prefix, row.user_id))
    assert [b"thought_agent_completed" in fields[b"message"] for _, fields in entries] == [True]
    kinds = [row.value for row in outbox_rows(database, settings.kafka_events_topic)]
    assert not any(b"agent_progress" in bytes(value) or b"to rest" in bytes(value) for value in kinds)


def write_fresh(context: CallContext, received: "queue.Queue[str]") -> None:
    """Write two texts of a classification, and assert that nothing else was published until the second arrived."""
    for text in ("fresh", "the end"):
        context.on_progress({"implied_needs": [{"statement": text}]})
        assert f'"{text}"' in received.get(timeout=20)


def test_a_text_that_is_written_after_the_failure_of_its_call_is_not_shown(
    make_showing_runner: MakeRunner, received: "queue.Queue[str]", step: Step
) -> None:
    failed: list[CallContext] = []

    def fail(context: CallContext) -> AgentResult | None:
        failed.append(context)
        raise TransientError("busy")

    def write(context: CallContext) -> AgentResult | None:
        failed[0].on_progress({"implied_needs": [{"statement": "stale"}]})
        write_fresh(context, received)
        return None

    provider = FakeProvider(fail, write)
    runner = make_showing_runner(provider)
    assert isinstance(runner.run(step), Requeue)
    eventually(lambda: runner.run(step) == Advance())
    assert provider.calls == 2, "the assertions of the second call held"


def test_a_text_that_is_written_after_the_result_of_its_call_is_not_shown(
    database: Database, settings: Settings, make_showing_runner: MakeRunner, received: "queue.Queue[str]", step: Step
) -> None:
    provider = FakeProvider(lambda _: None, lambda context: write_late(context))

    def write_late(context: CallContext) -> AgentResult | None:
        provider.contexts[0].on_progress({"implied_needs": [{"statement": "stale"}]})
        write_fresh(context, received)
        return None

    runner = make_showing_runner(provider)
    assert runner.run(step) == Advance()
    assert runner.run(dispatch_first_step(database, settings)) == Advance()


def test_a_call_that_was_taken_over_shows_nothing_once_its_fence_is_noticed(
    database: Database, make_showing_runner: MakeRunner, received: "queue.Queue[str]", step: Step
) -> None:
    provider = FakeProvider(lambda context: write_on(context), lambda context: write_instead(context))
    taken_over: list[Step] = []

    def write_on(context: CallContext) -> AgentResult | None:
        taken_over.append(take_over_step(database, step))
        assert context.cancelled.wait(20)
        raise Cancelled("fenced")

    def write_instead(context: CallContext) -> AgentResult | None:
        provider.contexts[0].on_progress({"implied_needs": [{"statement": "stale"}]})
        write_fresh(context, received)
        return None

    runner = make_showing_runner(provider)
    assert runner.run(step) == Drop("fenced")
    assert runner.run(taken_over[0]) == Advance()


def test_a_scripted_call_shows_what_it_writes(
    database: Database, settings: Settings, make_showing_runner: MakeRunner, received: "queue.Queue[str]"
) -> None:
    step = dispatch_first_step(database, settings, "Look [[write:classification:600]]")
    assert make_showing_runner(ScriptedProvider(0, None)).run(step) == Advance()
    assert "Look" in received.get(timeout=20)
