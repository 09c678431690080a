"""Steps whose statements are done, and whose answers never come: all is written once."""

import json
from typing import Any

import pytest
import redis

from agents.errors import PermanentError
from agents.interface import CallContext
from contracts.database import Database
from contracts.progress import stream_key
from contracts.settings import Settings
from tasks.step import Advance, Failed
from tasks.step_store import Step, StepStore
from tests.tasks.conftest import MakeRunner
from tests.tasks.fake_provider import Puppet
from tests.tasks.step_stores import warm
from tests.tasks.thoughts import dead_letters, outbox, runs, thought
from tests.tcp_proxy import TcpProxy


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_renew_seconds": 1.0, "agent_timeout_seconds": 30.0, "kafka_retry_backoff_ms": 40}


@pytest.mark.parametrize("is_told_to_end", [False, True])
def test_a_claim_whose_answer_is_lost_is_one_attempt(
    postgres_proxy: TcpProxy, proxied_step_store: StepStore, make_runner: MakeRunner, step: Step, is_told_to_end: bool
) -> None:
    """Also of who shall end: the claim is its own, and for long nobody else would be let in."""
    warm(proxied_step_store)
    postgres_proxy.lose_next_answer()
    puppet = Puppet()
    assert (
        make_runner(puppet, step_store=proxied_step_store, shutting_down=lambda: is_told_to_end).run(step) == Advance()
    )
    assert (puppet.calls, puppet.contexts[0].attempt) == (1, 1)


def test_a_save_whose_answer_is_lost_is_saved_once_and_told(
    database: Database,
    settings: Settings,
    postgres_proxy: TcpProxy,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
) -> None:
    puppet = Puppet(lambda _: postgres_proxy.lose_next_answer())
    assert make_runner(puppet, step_store=proxied_step_store).run(step) == Advance()
    assert (puppet.calls, len(runs(database, step.thought_id))) == (1, 1)
    assert len(outbox(database, settings.kafka_events_topic)) == 1


def test_a_final_failure_whose_answer_is_lost_is_written_once_and_shown(
    database: Database,
    settings: Settings,
    redis_client: redis.Redis,
    postgres_proxy: TcpProxy,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
) -> None:
    def play(_: CallContext) -> None:
        postgres_proxy.lose_next_answer()
        raise PermanentError("no")

    assert make_runner(Puppet(play), step_store=proxied_step_store).run(step) == Failed("permanent")
    assert len(dead_letters(database, step.thought_id)) == 1
    assert len(outbox(database, settings.kafka_dead_letter_topic)) == 1
    user = thought(database, step.thought_id).user_id
    shown: Any = redis_client.xrange(stream_key(settings.redis_sse_prefix, user))
    assert [json.loads(fields[b"message"])["type"] for _, fields in shown] == ["thought_failed"]
