"""Steps whose process is suspended between claim and call, or shuts down while PostgreSQL is unavailable."""

import threading
from typing import Any

import pytest

from agents.interface import CallContext
from contracts.database import Database
from tasks.step import REQUEUE_SECONDS
from tasks.step_outcomes import Advance, Drop, Requeue
from tasks.step_store import Step, StepStore
from tests.eventually import eventually
from tests.tasks.conftest import MakeRunner, RunInThread
from tests.tasks.fake_provider import FakeProvider
from tests.tasks.step_stores import PausedAfterClaim, block_for, warm_up
from tests.tasks.thoughts import poll_head, record_of, take_over_head, thought_row
from tests.tcp_proxy import TcpProxy

RENEW_SECONDS = 1.0


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_renew_seconds": RENEW_SECONDS, "agent_timeout_seconds": 30.0, "kafka_retry_backoff_ms": 40}


def block_until_stale() -> None:
    """Block for longer than a claim may be old, and for less than the interval of the renewal thread."""
    block_for(0.85 * RENEW_SECONDS)


def test_a_process_suspended_after_its_claim_renews_it_before_the_call(
    database: Database, step_store: StepStore, make_runner: MakeRunner, step: Step
) -> None:
    beats: list[int] = []
    provider = FakeProvider(lambda _: beats.append(thought_row(database, step.thought_id).beat))
    before = thought_row(database, step.thought_id).beat
    assert make_runner(provider, step_store=PausedAfterClaim(step_store, block_until_stale)).run(step) == Advance()
    assert beats[0] >= before + 2


@pytest.mark.parametrize("overrides", [{"lease_renew_seconds": 30.0, "lease_seconds": 120.0}])
def test_a_process_that_was_not_suspended_calls_at_once(
    database: Database, make_runner: MakeRunner, step: Step
) -> None:
    beats: list[int] = []
    provider = FakeProvider(lambda _: beats.append(thought_row(database, step.thought_id).beat))
    before = thought_row(database, step.thought_id).beat
    assert make_runner(provider).run(step) == Advance()
    assert beats == [before + 1]


def test_a_process_suspended_after_its_claim_makes_no_call_when_it_is_fenced(
    database: Database, step_store: StepStore, make_runner: MakeRunner, step: Step
) -> None:
    def meanwhile() -> None:
        block_until_stale()
        record = record_of(database, step.thought_id)
        take_over_head(database, record, poll_head(database, record))

    provider = FakeProvider()
    assert make_runner(provider, step_store=PausedAfterClaim(step_store, meanwhile)).run(step) == Drop("fenced")
    assert (provider.calls, thought_row(database, step.thought_id).losses) == (0, 1)


def test_a_claim_whose_answer_is_slow_is_renewed_before_the_call(
    database: Database, postgres_proxy: TcpProxy, proxied_step_store: StepStore, make_runner: MakeRunner, step: Step
) -> None:
    """The age of the beat counts from sending the claim, not from its answer."""
    warm_up(proxied_step_store)
    beats: list[int] = []

    def remove_delay() -> None:
        postgres_proxy.answer_delay = 0.0

    provider = FakeProvider(lambda _: beats.append(thought_row(database, step.thought_id).beat))
    before = thought_row(database, step.thought_id).beat
    runner = make_runner(provider, step_store=PausedAfterClaim(proxied_step_store, remove_delay))
    postgres_proxy.answer_delay = 0.85 * RENEW_SECONDS
    assert runner.run(step) == Advance()
    assert beats[0] >= before + 2


def test_a_process_that_shuts_down_while_postgresql_is_unavailable_requeues_the_message(
    caplog: pytest.LogCaptureFixture,
    postgres_proxy: TcpProxy,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
    run_in_thread: RunInThread,
) -> None:
    postgres_proxy.refuse()
    provider, shutdown = FakeProvider(), threading.Event()
    outcome = run_in_thread(make_runner(provider, step_store=proxied_step_store, shutting_down=shutdown.is_set), step)
    eventually(lambda: "PostgreSQL is unavailable" in caplog.text)
    assert not outcome.done()
    shutdown.set()
    assert outcome.result(30) == Requeue(REQUEUE_SECONDS)
    assert provider.calls == 0


def test_a_process_that_shuts_down_after_its_claim_makes_the_call(
    step_store: StepStore, make_runner: MakeRunner, step: Step
) -> None:
    provider = FakeProvider()
    runner = make_runner(
        provider, step_store=PausedAfterClaim(step_store, block_until_stale), shutting_down=lambda: True
    )
    assert runner.run(step) == Advance()
    assert provider.calls == 1


def test_a_process_that_shuts_down_after_its_claim_makes_no_call_while_postgresql_is_unavailable(
    postgres_proxy: TcpProxy,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
    run_in_thread: RunInThread,
) -> None:
    shutdown = threading.Event()

    def meanwhile() -> None:
        postgres_proxy.refuse()
        block_until_stale()
        shutdown.set()

    provider = FakeProvider()
    runner = make_runner(
        provider, step_store=PausedAfterClaim(proxied_step_store, meanwhile), shutting_down=shutdown.is_set
    )
    assert run_in_thread(runner, step).result(30) == Requeue(REQUEUE_SECONDS)
    assert provider.calls == 0


def test_a_process_that_shuts_down_keeps_a_paid_result_until_it_is_saved(
    caplog: pytest.LogCaptureFixture,
    postgres_proxy: TcpProxy,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
    run_in_thread: RunInThread,
) -> None:
    shutdown = threading.Event()

    def behave(_: CallContext) -> None:
        postgres_proxy.refuse()
        shutdown.set()

    outcome = run_in_thread(
        make_runner(FakeProvider(behave), step_store=proxied_step_store, shutting_down=shutdown.is_set), step
    )
    eventually(lambda: caplog.text.count("PostgreSQL is unavailable") >= 3)
    assert not outcome.done()
    postgres_proxy.accept()
    assert outcome.result(30) == Advance()
