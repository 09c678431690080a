"""Steps while PostgreSQL or Redis is away, late, or loses answers: nothing is lost, and nothing is paid for twice."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis

from agents.errors import PermanentError, TransientError
from agents.interface import CallContext
from contracts.database import Database
from contracts.progress import Publisher, connect, stream_key
from contracts.settings import Settings
from tasks.ledger import Claim, Ledger, Step
from tasks.step import OTHERS_SECONDS, Advance, End, GivenUp, Outcome, PutBack, StepRunner
from tests.eventually import eventually
from tests.tasks.conftest import MakeRunner
from tests.tasks.gate import Gate, a_gate
from tests.tasks.puppet import Puppet
from tests.tasks.thoughts import dead_letters, looked_at, outbox, record_of, runs, taken_over, thought

RENEW = 1.0


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"renew_seconds": RENEW, "call_deadline_seconds": 30.0, "kafka_retry_backoff_ms": 40}


@pytest.fixture
def in_thread(gate: Gate) -> Iterator[Callable[[StepRunner, Step], "Future[Outcome]"]]:
    """Runs a step beside the test. At the end PostgreSQL is back, since no step ends without it."""
    with ThreadPoolExecutor(2) as pool:
        yield lambda runner, step: pool.submit(runner.run, step)
        gate.open()


InThread = Callable[[StepRunner, Step], "Future[Outcome]"]


class StoppedAfterClaim:
    """A ledger whose process stands still after the answer to a claim, for as long as something else takes."""

    def __init__(self, ledger: Ledger, meanwhile: Callable[[], object]) -> None:
        self._ledger = ledger
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def claim(self, step: Step, call: UUID) -> Claim | None:
        claim = self._ledger.claim(step, call)
        self._meanwhile()
        return claim


def until_stale() -> None:
    """Stand still for longer than a claim is fresh, and for less than a renewal by the thread."""
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > 0.85 * RENEW)


# --- Stopped between claim and call


def test_who_was_stopped_after_the_claim_looks_again_before_paying(
    database: Database, ledger: Ledger, make_runner: MakeRunner, step: Step
) -> None:
    beats: list[int] = []
    puppet = Puppet(lambda _: beats.append(thought(database, step.thought_id).beat))
    before = thought(database, step.thought_id).beat
    assert make_runner(puppet, ledger=StoppedAfterClaim(ledger, until_stale)).run(step) == Advance()
    assert beats[0] >= before + 2


@pytest.mark.parametrize("overrides", [{"renew_seconds": 30.0, "patience_seconds": 120.0}])
def test_who_was_not_stopped_pays_at_once(database: Database, make_runner: MakeRunner, step: Step) -> None:
    beats: list[int] = []
    puppet = Puppet(lambda _: beats.append(thought(database, step.thought_id).beat))
    before = thought(database, step.thought_id).beat
    assert make_runner(puppet).run(step) == Advance()
    assert beats == [before + 1]


def test_who_was_stopped_and_replaced_pays_nothing(
    database: Database, ledger: Ledger, make_runner: MakeRunner, step: Step
) -> None:
    def meanwhile() -> None:
        until_stale()
        record = record_of(database, step.thought_id)
        taken_over(database, record, looked_at(database, record))

    puppet = Puppet()
    assert make_runner(puppet, ledger=StoppedAfterClaim(ledger, meanwhile)).run(step) == End("fenced")
    assert (puppet.calls, thought(database, step.thought_id).losses) == (0, 1)


def test_an_answer_to_the_claim_that_comes_late_is_looked_at_again(
    database: Database, gate: Gate, far_ledger: Ledger, make_runner: MakeRunner, step: Step
) -> None:
    """The question counts and not the answer: in between the beat has grown old."""
    warm(far_ledger)
    beats: list[int] = []

    def late_once(claim: Claim | None = None) -> None:
        gate.answers_after = 0.0

    puppet = Puppet(lambda _: beats.append(thought(database, step.thought_id).beat))
    before = thought(database, step.thought_id).beat
    runner = make_runner(puppet, ledger=StoppedAfterClaim(far_ledger, late_once))
    gate.answers_after = 0.85 * RENEW
    assert runner.run(step) == Advance()
    assert beats[0] >= before + 2


# --- PostgreSQL away


def warm(ledger: Ledger) -> None:
    """Let the pool have its connection, and the process know the claim, so that what comes next is one round trip."""
    assert ledger.claim(Step(uuid4(), 1, 1), uuid4()) is None


def test_a_claim_waits_for_postgresql(
    caplog: pytest.LogCaptureFixture,
    gate: Gate,
    far_ledger: Ledger,
    make_runner: MakeRunner,
    step: Step,
    in_thread: InThread,
) -> None:
    gate.shut()
    puppet = Puppet()
    outcome = in_thread(make_runner(puppet, ledger=far_ledger), step)
    eventually(lambda: "PostgreSQL is away" in caplog.text)
    gate.open()
    assert outcome.result(30) == Advance()
    assert (puppet.calls, puppet.contexts[0].attempt) == (1, 1)


def test_a_paid_result_is_held_until_postgresql_is_back(
    database: Database,
    caplog: pytest.LogCaptureFixture,
    gate: Gate,
    far_ledger: Ledger,
    make_runner: MakeRunner,
    step: Step,
    in_thread: InThread,
) -> None:
    puppet = Puppet(lambda _: gate.shut())
    outcome = in_thread(make_runner(puppet, ledger=far_ledger), step)
    eventually(lambda: caplog.text.count("PostgreSQL is away") >= 3)
    assert not outcome.done()
    gate.open()
    assert outcome.result(30) == Advance()
    assert (puppet.calls, len(runs(database, step.thought_id))) == (1, 1)


def test_a_paid_result_is_held_through_a_black_hole(
    database: Database,
    caplog: pytest.LogCaptureFixture,
    gate: Gate,
    far_ledger: Ledger,
    make_runner: MakeRunner,
    step: Step,
    in_thread: InThread,
) -> None:
    puppet = Puppet(lambda _: gate.swallow())
    outcome = in_thread(make_runner(puppet, ledger=far_ledger), step)
    eventually(lambda: "PostgreSQL is away" in caplog.text)
    gate.flow()
    assert outcome.result(30) == Advance()
    assert (puppet.calls, len(runs(database, step.thought_id))) == (1, 1)


@pytest.mark.parametrize("overrides", [{"renew_seconds": 0.3, "call_deadline_seconds": 0.3}])
def test_a_held_result_is_neither_overdue_nor_wedged_however_long_it_takes(
    gate: Gate,
    caplog: pytest.LogCaptureFixture,
    far_ledger: Ledger,
    make_runner: MakeRunner,
    step: Step,
    in_thread: InThread,
) -> None:
    puppet = Puppet(lambda _: gate.shut())
    runner = make_runner(puppet, ledger=far_ledger)
    began, outcome = time.monotonic(), in_thread(runner, step)
    eventually(lambda: time.monotonic() - began > 2 and "PostgreSQL is away" in caplog.text)
    assert runner.calls.wedged() == []
    gate.open()
    assert outcome.result(30) == Advance()


@pytest.mark.parametrize("overrides", [{"renew_seconds": 0.3, "call_deadline_seconds": 0.3}])
def test_waiting_for_postgresql_before_the_call_takes_nothing_from_the_calls_time(
    gate: Gate, far_ledger: Ledger, make_runner: MakeRunner, step: Step, in_thread: InThread
) -> None:
    """Nothing was begun, so nothing can be overdue or wedged, and no attempt is thrown away."""
    claimed: list[float] = []

    def meanwhile() -> None:
        gate.shut()
        claimed.append(time.monotonic())
        eventually(lambda: time.monotonic() - claimed[0] > 0.3)

    puppet = Puppet(lambda context: cancelled.append(context.cancelled.is_set()))
    cancelled: list[bool] = []
    runner = make_runner(puppet, ledger=StoppedAfterClaim(far_ledger, meanwhile))
    outcome = in_thread(runner, step)
    eventually(lambda: claimed and time.monotonic() - claimed[0] > 2)
    assert runner.calls.wedged() == []
    gate.open()
    assert outcome.result(30) == Advance()
    assert (cancelled, puppet.contexts[0].attempt) == ([False], 1)


@pytest.mark.parametrize(("error", "outcome"), [(TransientError("busy"), PutBack), (PermanentError("no"), GivenUp)])
def test_a_failure_is_told_when_postgresql_is_back(
    database: Database,
    caplog: pytest.LogCaptureFixture,
    gate: Gate,
    far_ledger: Ledger,
    make_runner: MakeRunner,
    step: Step,
    in_thread: InThread,
    error: Exception,
    outcome: type[Outcome],
) -> None:
    def play(_: CallContext) -> None:
        gate.shut()
        raise error

    puppet = Puppet(play)
    told = in_thread(make_runner(puppet, ledger=far_ledger), step)
    eventually(lambda: "PostgreSQL is away" in caplog.text)
    gate.open()
    assert type(told.result(30)) is outcome
    assert (puppet.calls, thought(database, step.thought_id).call_id) == (1, None)


# --- Told to end meanwhile


def test_who_is_told_to_end_while_postgresql_is_away_leaves_the_message_to_others(
    caplog: pytest.LogCaptureFixture,
    gate: Gate,
    far_ledger: Ledger,
    make_runner: MakeRunner,
    step: Step,
    in_thread: InThread,
) -> None:
    gate.shut()
    puppet, leaving = Puppet(), threading.Event()
    outcome = in_thread(make_runner(puppet, ledger=far_ledger, leaving=leaving.is_set), step)
    eventually(lambda: "PostgreSQL is away" in caplog.text)
    assert not outcome.done()
    leaving.set()
    assert outcome.result(30) == PutBack(OTHERS_SECONDS)
    assert puppet.calls == 0


def test_who_is_told_to_end_between_claim_and_call_pays_nothing_when_postgresql_comes_back(
    gate: Gate, far_ledger: Ledger, make_runner: MakeRunner, step: Step, in_thread: InThread
) -> None:
    leaving = threading.Event()

    def meanwhile() -> None:
        gate.shut()
        until_stale()
        leaving.set()

    puppet = Puppet()
    runner = make_runner(puppet, ledger=StoppedAfterClaim(far_ledger, meanwhile), leaving=leaving.is_set)
    assert in_thread(runner, step).result(30) == PutBack(OTHERS_SECONDS)
    assert puppet.calls == 0


def test_what_is_paid_for_is_held_also_by_who_is_told_to_end(
    caplog: pytest.LogCaptureFixture,
    gate: Gate,
    far_ledger: Ledger,
    make_runner: MakeRunner,
    step: Step,
    in_thread: InThread,
) -> None:
    leaving = threading.Event()

    def play(_: CallContext) -> None:
        gate.shut()
        leaving.set()

    outcome = in_thread(make_runner(Puppet(play), ledger=far_ledger, leaving=leaving.is_set), step)
    eventually(lambda: caplog.text.count("PostgreSQL is away") >= 3)
    assert not outcome.done()
    gate.open()
    assert outcome.result(30) == Advance()


# --- Memory


class ShortOfMemory:
    """A ledger whose process has no memory left the first time that something is to be written."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._short = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def save(self, *given: Any, **named: Any) -> bool:
        if self._short:
            self._short = False
            raise MemoryError
        return self._ledger.save(*given, **named)


def test_a_paid_result_outlasts_a_neighbours_hunger(
    database: Database, ledger: Ledger, make_runner: MakeRunner, step: Step
) -> None:
    puppet = Puppet()
    assert make_runner(puppet, ledger=ShortOfMemory(ledger)).run(step) == Advance()
    assert (puppet.calls, len(runs(database, step.thought_id))) == (1, 1)


# --- Lost answers


def test_a_claim_whose_answer_is_lost_is_one_attempt(
    gate: Gate, far_ledger: Ledger, make_runner: MakeRunner, step: Step
) -> None:
    warm(far_ledger)
    gate.lose_answer()
    puppet = Puppet()
    assert make_runner(puppet, ledger=far_ledger).run(step) == Advance()
    assert (puppet.calls, puppet.contexts[0].attempt) == (1, 1)


def test_a_save_whose_answer_is_lost_is_saved_once_and_told(
    database: Database, settings: Settings, gate: Gate, far_ledger: Ledger, make_runner: MakeRunner, step: Step
) -> None:
    puppet = Puppet(lambda _: gate.lose_answer())
    assert make_runner(puppet, ledger=far_ledger).run(step) == Advance()
    assert (puppet.calls, len(runs(database, step.thought_id))) == (1, 1)
    assert len(outbox(database, settings.kafka_events_topic)) == 1


def test_a_final_failure_whose_answer_is_lost_is_written_once_and_shown(
    database: Database,
    settings: Settings,
    redis_client: redis.Redis,
    gate: Gate,
    far_ledger: Ledger,
    make_runner: MakeRunner,
    step: Step,
) -> None:
    def play(_: CallContext) -> None:
        gate.lose_answer()
        raise PermanentError("no")

    assert make_runner(Puppet(play), ledger=far_ledger).run(step) == GivenUp("permanent")
    assert len(dead_letters(database, step.thought_id)) == 1
    assert len(outbox(database, settings.kafka_dead_letter_topic)) == 1
    user = thought(database, step.thought_id).user_id
    shown: Any = redis_client.xrange(stream_key(settings.redis_sse_prefix, user))
    assert [json.loads(fields[b"message"])["type"] for _, fields in shown] == ["thought_failed"]


# --- Redis away


@pytest.mark.parametrize("how", ["shut", "swallow"])
def test_a_step_is_saved_while_redis_is_away(
    database: Database, settings: Settings, make_runner: MakeRunner, step: Step, how: str
) -> None:
    with a_gate(settings.redis_url) as redis_gate:
        publisher = Publisher(connect(redis_gate.url), settings.redis_sse_prefix)
        getattr(redis_gate, how)()
        assert make_runner(Puppet(), publisher=publisher).run(step) == Advance()
    assert len(runs(database, step.thought_id)) == 1
