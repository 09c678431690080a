"""Steps while PostgreSQL or Redis is unavailable, or memory is exhausted: nothing is lost or paid for twice."""

import time
from typing import Any

import pytest

from agents.errors import PermanentError, TransientError
from agents.interface import CallContext
from contracts.database import Database
from contracts.progress import ProgressPublisher, connect_redis
from contracts.settings import Settings
from tasks.step_outcomes import Advance, Failed, Requeue, StepOutcome
from tasks.step_store import Step, StepStore
from tests.eventually import eventually
from tests.tasks.conftest import MakeRunner, RunInThread
from tests.tasks.fake_provider import FakeProvider
from tests.tasks.step_stores import OutOfMemoryOnFirstSave, PausedAfterClaim
from tests.tasks.thoughts import agent_run_rows, thought_row
from tests.tcp_proxy import TcpProxy, proxy_for


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_renew_seconds": 1.0, "agent_timeout_seconds": 30.0, "kafka_retry_backoff_ms": 40}


def test_a_claim_waits_until_postgresql_is_back(
    caplog: pytest.LogCaptureFixture,
    postgres_proxy: TcpProxy,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
    run_in_thread: RunInThread,
) -> None:
    postgres_proxy.refuse()
    provider = FakeProvider()
    outcome = run_in_thread(make_runner(provider, step_store=proxied_step_store), step)
    eventually(lambda: "PostgreSQL is unavailable" in caplog.text)
    postgres_proxy.accept()
    assert outcome.result(30) == Advance()
    assert (provider.calls, provider.contexts[0].attempt) == (1, 1)


def test_a_paid_result_is_kept_until_postgresql_is_back(
    database: Database,
    caplog: pytest.LogCaptureFixture,
    postgres_proxy: TcpProxy,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
    run_in_thread: RunInThread,
) -> None:
    provider = FakeProvider(lambda _: postgres_proxy.refuse())
    outcome = run_in_thread(make_runner(provider, step_store=proxied_step_store), step)
    eventually(lambda: caplog.text.count("PostgreSQL is unavailable") >= 3)
    assert not outcome.done()
    postgres_proxy.accept()
    assert outcome.result(30) == Advance()
    assert (provider.calls, len(agent_run_rows(database, step.thought_id))) == (1, 1)


def test_a_paid_result_is_kept_while_postgresql_does_not_answer(
    database: Database,
    caplog: pytest.LogCaptureFixture,
    postgres_proxy: TcpProxy,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
    run_in_thread: RunInThread,
) -> None:
    provider = FakeProvider(lambda _: postgres_proxy.stall())
    outcome = run_in_thread(make_runner(provider, step_store=proxied_step_store), step)
    eventually(lambda: "PostgreSQL is unavailable" in caplog.text)
    postgres_proxy.resume()
    assert outcome.result(30) == Advance()
    assert (provider.calls, len(agent_run_rows(database, step.thought_id))) == (1, 1)


@pytest.mark.parametrize("overrides", [{"lease_renew_seconds": 0.3, "agent_timeout_seconds": 0.3}])
def test_a_call_whose_result_is_kept_is_never_overdue_or_stuck(
    postgres_proxy: TcpProxy,
    caplog: pytest.LogCaptureFixture,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
    run_in_thread: RunInThread,
) -> None:
    provider = FakeProvider(lambda _: postgres_proxy.refuse())
    runner = make_runner(provider, step_store=proxied_step_store)
    started_at, outcome = time.monotonic(), run_in_thread(runner, step)
    eventually(lambda: time.monotonic() - started_at > 2 and "PostgreSQL is unavailable" in caplog.text)
    assert runner.calls.stuck() == []
    postgres_proxy.accept()
    assert outcome.result(30) == Advance()


@pytest.mark.parametrize("overrides", [{"lease_renew_seconds": 0.3, "agent_timeout_seconds": 0.3}])
def test_the_deadline_of_a_call_starts_after_the_wait_for_postgresql(
    postgres_proxy: TcpProxy,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
    run_in_thread: RunInThread,
) -> None:
    """The agent has not started, so the call is neither overdue nor stuck, and it stays the first attempt."""
    claimed_at: list[float] = []

    def meanwhile() -> None:
        postgres_proxy.refuse()
        claimed_at.append(time.monotonic())
        eventually(lambda: time.monotonic() - claimed_at[0] > 0.3)

    provider = FakeProvider(lambda context: cancelled.append(context.cancelled.is_set()))
    cancelled: list[bool] = []
    runner = make_runner(provider, step_store=PausedAfterClaim(proxied_step_store, meanwhile))
    outcome = run_in_thread(runner, step)
    eventually(lambda: claimed_at and time.monotonic() - claimed_at[0] > 2)
    assert runner.calls.stuck() == []
    postgres_proxy.accept()
    assert outcome.result(30) == Advance()
    assert (cancelled, provider.contexts[0].attempt) == ([False], 1)


@pytest.mark.parametrize(("error", "outcome"), [(TransientError("busy"), Requeue), (PermanentError("no"), Failed)])
def test_a_failure_is_written_when_postgresql_is_back(
    database: Database,
    caplog: pytest.LogCaptureFixture,
    postgres_proxy: TcpProxy,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
    run_in_thread: RunInThread,
    error: Exception,
    outcome: type[StepOutcome],
) -> None:
    def behave(_: CallContext) -> None:
        postgres_proxy.refuse()
        raise error

    provider = FakeProvider(behave)
    future = run_in_thread(make_runner(provider, step_store=proxied_step_store), step)
    eventually(lambda: "PostgreSQL is unavailable" in caplog.text)
    postgres_proxy.accept()
    assert type(future.result(30)) is outcome
    assert (provider.calls, thought_row(database, step.thought_id).call_id) == (1, None)


@pytest.mark.parametrize("fault", ["refuse", "stall"])
def test_a_step_is_saved_while_redis_is_unavailable(
    database: Database, settings: Settings, make_runner: MakeRunner, step: Step, fault: str
) -> None:
    with proxy_for(settings.redis_url) as redis_proxy:
        publisher = ProgressPublisher(connect_redis(redis_proxy.proxied_url(settings.redis_url)), settings.redis_prefix)
        getattr(redis_proxy, fault)()
        assert make_runner(FakeProvider(), publisher=publisher).run(step) == Advance()
    assert len(agent_run_rows(database, step.thought_id)) == 1


def test_a_paid_result_is_saved_after_a_memory_error(
    database: Database, step_store: StepStore, make_runner: MakeRunner, step: Step
) -> None:
    provider = FakeProvider()
    assert make_runner(provider, step_store=OutOfMemoryOnFirstSave(step_store)).run(step) == Advance()
    assert (provider.calls, len(agent_run_rows(database, step.thought_id))) == (1, 1)
