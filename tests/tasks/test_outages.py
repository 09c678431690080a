"""Steps while PostgreSQL or Redis is unavailable, or the memory is short: nothing is lost or paid for twice."""

import time
from typing import Any

import pytest

from agents.errors import PermanentError, TransientError
from agents.interface import CallContext
from contracts.database import Database
from contracts.progress import ProgressPublisher, connect_redis
from contracts.settings import Settings
from tasks.step import Advance, Failed, Requeue, StepOutcome
from tasks.step_store import Step, StepStore
from tests.eventually import eventually
from tests.tasks.conftest import InThread, MakeRunner
from tests.tasks.fake_provider import Puppet
from tests.tasks.step_stores import ShortOfMemory, StoppedAfterClaim
from tests.tasks.thoughts import runs, thought
from tests.tcp_proxy import TcpProxy, proxy_before


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_renew_seconds": 1.0, "agent_timeout_seconds": 30.0, "kafka_retry_backoff_ms": 40}


def test_a_claim_waits_for_postgresql(
    caplog: pytest.LogCaptureFixture,
    postgres_proxy: TcpProxy,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
    in_thread: InThread,
) -> None:
    postgres_proxy.refuse()
    puppet = Puppet()
    outcome = in_thread(make_runner(puppet, step_store=proxied_step_store), step)
    eventually(lambda: "PostgreSQL is unavailable" in caplog.text)
    postgres_proxy.accept()
    assert outcome.result(30) == Advance()
    assert (puppet.calls, puppet.contexts[0].attempt) == (1, 1)


def test_a_paid_result_is_held_until_postgresql_is_back(
    database: Database,
    caplog: pytest.LogCaptureFixture,
    postgres_proxy: TcpProxy,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
    in_thread: InThread,
) -> None:
    puppet = Puppet(lambda _: postgres_proxy.refuse())
    outcome = in_thread(make_runner(puppet, step_store=proxied_step_store), step)
    eventually(lambda: caplog.text.count("PostgreSQL is unavailable") >= 3)
    assert not outcome.done()
    postgres_proxy.accept()
    assert outcome.result(30) == Advance()
    assert (puppet.calls, len(runs(database, step.thought_id))) == (1, 1)


def test_a_paid_result_is_held_through_a_black_hole(
    database: Database,
    caplog: pytest.LogCaptureFixture,
    postgres_proxy: TcpProxy,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
    in_thread: InThread,
) -> None:
    puppet = Puppet(lambda _: postgres_proxy.stall())
    outcome = in_thread(make_runner(puppet, step_store=proxied_step_store), step)
    eventually(lambda: "PostgreSQL is unavailable" in caplog.text)
    postgres_proxy.resume()
    assert outcome.result(30) == Advance()
    assert (puppet.calls, len(runs(database, step.thought_id))) == (1, 1)


@pytest.mark.parametrize("overrides", [{"lease_renew_seconds": 0.3, "agent_timeout_seconds": 0.3}])
def test_a_held_result_is_neither_overdue_nor_wedged_however_long_it_takes(
    postgres_proxy: TcpProxy,
    caplog: pytest.LogCaptureFixture,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
    in_thread: InThread,
) -> None:
    puppet = Puppet(lambda _: postgres_proxy.refuse())
    runner = make_runner(puppet, step_store=proxied_step_store)
    began, outcome = time.monotonic(), in_thread(runner, step)
    eventually(lambda: time.monotonic() - began > 2 and "PostgreSQL is unavailable" in caplog.text)
    assert runner.calls.stuck() == []
    postgres_proxy.accept()
    assert outcome.result(30) == Advance()


@pytest.mark.parametrize("overrides", [{"lease_renew_seconds": 0.3, "agent_timeout_seconds": 0.3}])
def test_waiting_for_postgresql_before_the_call_takes_nothing_from_the_calls_time(
    postgres_proxy: TcpProxy, proxied_step_store: StepStore, make_runner: MakeRunner, step: Step, in_thread: InThread
) -> None:
    """Nothing was begun, so nothing can be overdue or wedged, and no attempt is thrown away."""
    claimed: list[float] = []

    def meanwhile() -> None:
        postgres_proxy.refuse()
        claimed.append(time.monotonic())
        eventually(lambda: time.monotonic() - claimed[0] > 0.3)

    puppet = Puppet(lambda context: cancelled.append(context.cancelled.is_set()))
    cancelled: list[bool] = []
    runner = make_runner(puppet, step_store=StoppedAfterClaim(proxied_step_store, meanwhile))
    outcome = in_thread(runner, step)
    eventually(lambda: claimed and time.monotonic() - claimed[0] > 2)
    assert runner.calls.stuck() == []
    postgres_proxy.accept()
    assert outcome.result(30) == Advance()
    assert (cancelled, puppet.contexts[0].attempt) == ([False], 1)


@pytest.mark.parametrize(("error", "outcome"), [(TransientError("busy"), Requeue), (PermanentError("no"), Failed)])
def test_a_failure_is_told_when_postgresql_is_back(
    database: Database,
    caplog: pytest.LogCaptureFixture,
    postgres_proxy: TcpProxy,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
    in_thread: InThread,
    error: Exception,
    outcome: type[StepOutcome],
) -> None:
    def play(_: CallContext) -> None:
        postgres_proxy.refuse()
        raise error

    puppet = Puppet(play)
    told = in_thread(make_runner(puppet, step_store=proxied_step_store), step)
    eventually(lambda: "PostgreSQL is unavailable" in caplog.text)
    postgres_proxy.accept()
    assert type(told.result(30)) is outcome
    assert (puppet.calls, thought(database, step.thought_id).call_id) == (1, None)


@pytest.mark.parametrize("how", ["refuse", "stall"])
def test_a_step_is_saved_while_redis_is_away(
    database: Database, settings: Settings, make_runner: MakeRunner, step: Step, how: str
) -> None:
    with proxy_before(settings.redis_url) as redis_proxy:
        publisher = ProgressPublisher(connect_redis(redis_proxy.url(settings.redis_url)), settings.redis_sse_prefix)
        getattr(redis_proxy, how)()
        assert make_runner(Puppet(), publisher=publisher).run(step) == Advance()
    assert len(runs(database, step.thought_id)) == 1


def test_a_paid_result_outlasts_a_neighbours_hunger(
    database: Database, step_store: StepStore, make_runner: MakeRunner, step: Step
) -> None:
    puppet = Puppet()
    assert make_runner(puppet, step_store=ShortOfMemory(step_store)).run(step) == Advance()
    assert (puppet.calls, len(runs(database, step.thought_id))) == (1, 1)
