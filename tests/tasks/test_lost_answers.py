"""Steps whose statements are executed and whose answers are lost: everything is written once."""

import json
from typing import Any

import pytest
import redis

from agents.errors import PermanentError
from agents.interface import CallContext
from contracts.database import Database
from contracts.progress import stream_key
from contracts.settings import Settings
from tasks.step_outcomes import Advance, Failed
from tasks.step_store import Step, StepStore
from tests.tasks.conftest import MakeRunner
from tests.tasks.fake_provider import FakeProvider
from tests.tasks.step_stores import warm_up
from tests.tasks.thoughts import agent_run_rows, dead_letter_rows, outbox_rows, thought_row
from tests.tcp_proxy import TcpProxy


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_renew_seconds": 1.0, "agent_timeout_seconds": 30.0, "kafka_retry_backoff_ms": 40}


@pytest.mark.parametrize("is_shutting_down", [False, True])
def test_a_claim_with_a_lost_answer_counts_one_attempt(
    postgres_proxy: TcpProxy, proxied_step_store: StepStore, make_runner: MakeRunner, step: Step, is_shutting_down: bool
) -> None:
    """Also during a shutdown: the claim was granted, so no other worker can claim the step until its lease expires."""
    warm_up(proxied_step_store)
    postgres_proxy.lose_next_answer()
    provider = FakeProvider()
    assert (
        make_runner(provider, step_store=proxied_step_store, shutting_down=lambda: is_shutting_down).run(step)
        == Advance()
    )
    assert (provider.calls, provider.contexts[0].attempt) == (1, 1)


def test_a_save_with_a_lost_answer_is_written_once_and_its_event_is_in_the_outbox(
    database: Database,
    settings: Settings,
    postgres_proxy: TcpProxy,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
) -> None:
    provider = FakeProvider(lambda _: postgres_proxy.lose_next_answer())
    assert make_runner(provider, step_store=proxied_step_store).run(step) == Advance()
    assert (provider.calls, len(agent_run_rows(database, step.thought_id))) == (1, 1)
    assert len(outbox_rows(database, settings.kafka_events_topic)) == 1


def test_a_final_failure_with_a_lost_answer_is_written_once_and_published(
    database: Database,
    settings: Settings,
    redis_client: redis.Redis,
    postgres_proxy: TcpProxy,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
) -> None:
    def behave(_: CallContext) -> None:
        postgres_proxy.lose_next_answer()
        raise PermanentError("no")

    assert make_runner(FakeProvider(behave), step_store=proxied_step_store).run(step) == Failed("permanent")
    assert len(dead_letter_rows(database, step.thought_id)) == 1
    assert len(outbox_rows(database, settings.kafka_dead_letter_topic)) == 1
    user = thought_row(database, step.thought_id).user_id
    entries: Any = redis_client.xrange(stream_key(settings.redis_prefix, user))
    assert [json.loads(fields[b"message"])["type"] for _, fields in entries] == ["thought_failed"]
