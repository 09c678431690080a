"""Steps whose process is stopped between claim and call, or told to end while PostgreSQL is unavailable."""

import threading
from typing import Any

import pytest

from agents.interface import CallContext
from contracts.database import Database
from tasks.step import REQUEUE_SECONDS, Advance, Drop, Requeue
from tasks.step_store import Claim, Step, StepStore
from tests.eventually import eventually
from tests.tasks.conftest import InThread, MakeRunner
from tests.tasks.fake_provider import Puppet
from tests.tasks.step_stores import StoppedAfterClaim, stand_still, warm
from tests.tasks.thoughts import looked_at, record_of, taken_over, thought
from tests.tcp_proxy import TcpProxy

RENEW = 1.0


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_renew_seconds": RENEW, "agent_timeout_seconds": 30.0, "kafka_retry_backoff_ms": 40}


def until_stale() -> None:
    """For longer than a claim is fresh, and for less than a renewal by the thread."""
    stand_still(0.85 * RENEW)


def test_who_was_stopped_after_the_claim_looks_again_before_paying(
    database: Database, step_store: StepStore, make_runner: MakeRunner, step: Step
) -> None:
    beats: list[int] = []
    puppet = Puppet(lambda _: beats.append(thought(database, step.thought_id).beat))
    before = thought(database, step.thought_id).beat
    assert make_runner(puppet, step_store=StoppedAfterClaim(step_store, until_stale)).run(step) == Advance()
    assert beats[0] >= before + 2


@pytest.mark.parametrize("overrides", [{"lease_renew_seconds": 30.0, "lease_seconds": 120.0}])
def test_who_was_not_stopped_pays_at_once(database: Database, make_runner: MakeRunner, step: Step) -> None:
    beats: list[int] = []
    puppet = Puppet(lambda _: beats.append(thought(database, step.thought_id).beat))
    before = thought(database, step.thought_id).beat
    assert make_runner(puppet).run(step) == Advance()
    assert beats == [before + 1]


def test_who_was_stopped_and_replaced_pays_nothing(
    database: Database, step_store: StepStore, make_runner: MakeRunner, step: Step
) -> None:
    def meanwhile() -> None:
        until_stale()
        record = record_of(database, step.thought_id)
        taken_over(database, record, looked_at(database, record))

    puppet = Puppet()
    assert make_runner(puppet, step_store=StoppedAfterClaim(step_store, meanwhile)).run(step) == Drop("fenced")
    assert (puppet.calls, thought(database, step.thought_id).losses) == (0, 1)


def test_an_answer_to_the_claim_that_comes_late_is_looked_at_again(
    database: Database, postgres_proxy: TcpProxy, proxied_step_store: StepStore, make_runner: MakeRunner, step: Step
) -> None:
    """The question counts and not the answer: in between the beat has grown old."""
    warm(proxied_step_store)
    beats: list[int] = []

    def late_once(claim: Claim | None = None) -> None:
        postgres_proxy.answer_delay = 0.0

    puppet = Puppet(lambda _: beats.append(thought(database, step.thought_id).beat))
    before = thought(database, step.thought_id).beat
    runner = make_runner(puppet, step_store=StoppedAfterClaim(proxied_step_store, late_once))
    postgres_proxy.answer_delay = 0.85 * RENEW
    assert runner.run(step) == Advance()
    assert beats[0] >= before + 2


def test_who_is_told_to_end_while_postgresql_is_away_leaves_the_message_to_others(
    caplog: pytest.LogCaptureFixture,
    postgres_proxy: TcpProxy,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
    in_thread: InThread,
) -> None:
    postgres_proxy.refuse()
    puppet, leaving = Puppet(), threading.Event()
    outcome = in_thread(make_runner(puppet, step_store=proxied_step_store, shutting_down=leaving.is_set), step)
    eventually(lambda: "PostgreSQL is unavailable" in caplog.text)
    assert not outcome.done()
    leaving.set()
    assert outcome.result(30) == Requeue(REQUEUE_SECONDS)
    assert puppet.calls == 0


def test_who_is_told_to_end_between_claim_and_call_makes_the_call_that_it_has_claimed(
    step_store: StepStore, make_runner: MakeRunner, step: Step
) -> None:
    puppet = Puppet()
    runner = make_runner(puppet, step_store=StoppedAfterClaim(step_store, until_stale), shutting_down=lambda: True)
    assert runner.run(step) == Advance()
    assert puppet.calls == 1


def test_who_is_told_to_end_between_claim_and_call_pays_nothing_when_postgresql_comes_back(
    postgres_proxy: TcpProxy, proxied_step_store: StepStore, make_runner: MakeRunner, step: Step, in_thread: InThread
) -> None:
    leaving = threading.Event()

    def meanwhile() -> None:
        postgres_proxy.refuse()
        until_stale()
        leaving.set()

    puppet = Puppet()
    runner = make_runner(
        puppet, step_store=StoppedAfterClaim(proxied_step_store, meanwhile), shutting_down=leaving.is_set
    )
    assert in_thread(runner, step).result(30) == Requeue(REQUEUE_SECONDS)
    assert puppet.calls == 0


def test_what_is_paid_for_is_held_also_by_who_is_told_to_end(
    caplog: pytest.LogCaptureFixture,
    postgres_proxy: TcpProxy,
    proxied_step_store: StepStore,
    make_runner: MakeRunner,
    step: Step,
    in_thread: InThread,
) -> None:
    leaving = threading.Event()

    def play(_: CallContext) -> None:
        postgres_proxy.refuse()
        leaving.set()

    outcome = in_thread(make_runner(Puppet(play), step_store=proxied_step_store, shutting_down=leaving.is_set), step)
    eventually(lambda: caplog.text.count("PostgreSQL is unavailable") >= 3)
    assert not outcome.done()
    postgres_proxy.accept()
    assert outcome.result(30) == Advance()
