"""The gate chooses the model of a call, and tells a step how long and why it must wait."""

from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4

import pytest

from agents.errors import ServiceCause, ServiceError
from contracts.model_state import OUTAGE_THRESHOLD, ModelState
from contracts.settings import Settings
from tasks.admission.gate import Gate, Pass
from tasks.admission.state_store import LocalStates
from tasks.admission.waits import MAX_WAIT_SECONDS, Wait
from tests.tasks.admission.gates import make_gate
from tests.tasks.admission.services import FIRST, SECOND, FakeServices
from tests.tasks.agent_results import make_result
from tests.tasks.fake_provider import FakeProvider

OUTAGE = ServiceError("The service does not answer.", "outage")


class Time:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Time:
    return Time()


def gate_of(services: FakeServices, settings: Settings, clock: Time, **parts: Any) -> Gate:
    return make_gate(services, settings, parts.pop("states", LocalStates(clock)), clock=clock, **parts)


def enter(gate: Gate) -> Pass:
    """Return a pass, which the gate must grant."""
    granted = gate.enter("analysis", str(uuid4()))
    assert isinstance(granted, Pass)
    return granted


def wait_of(gate: Gate) -> Wait:
    """Return the wait, which the gate must demand."""
    wait = gate.enter("analysis", str(uuid4()))
    assert isinstance(wait, Wait)
    return wait


def break_service(gate: Gate, services: FakeServices, model: str = FIRST, cause: ServiceCause = "outage") -> None:
    """Fail calls of the model until its service counts as unavailable."""
    services.failures[model] = cause
    for _ in range(OUTAGE_THRESHOLD):
        granted = enter(gate)
        assert granted.model == model
        if gate.failed(granted, ServiceError("The service does not answer.", cause), is_last=False):
            return


def test_a_provider_without_a_service_always_gets_a_pass(settings: Settings) -> None:
    gate = make_gate(FakeProvider(), settings)
    granted = enter(gate)
    assert granted.model == ""
    gate.succeeded(granted, make_result(), "a-user")
    assert gate.begin(granted, "a-user") is None


def test_the_failures_before_an_outage_count_and_the_one_that_shows_it_does_not(
    settings: Settings, clock: Time
) -> None:
    gate = gate_of(FakeServices(), settings, clock)
    waits = [gate.failed(enter(gate), OUTAGE, is_last=False) for _ in range(OUTAGE_THRESHOLD)]
    assert [wait is not None for wait in waits] == [False] * (OUTAGE_THRESHOLD - 1) + [True]


def test_a_wait_says_why_and_since_when(settings: Settings, clock: Time) -> None:
    services = FakeServices()
    gate = gate_of(services, settings, clock)
    break_service(gate, services)
    clock.now += 2
    wait = wait_of(gate)
    assert (wait.kind, wait.since, wait.seconds) == ("outage", 1_000_000.0, 3.0)
    assert wait.to_json() == {
        "kind": "outage",
        "message": "The model is unreachable.",
        "since": "1970-01-12T13:46:40Z",
        "until": None,
    }


def test_the_step_that_probes_goes_on_when_the_service_answers(settings: Settings, clock: Time) -> None:
    services = FakeServices()
    gate = gate_of(services, settings, clock)
    break_service(gate, services)
    clock.now += 5
    assert wait_of(gate).kind == "outage"
    services.failures.clear()
    clock.now += 10
    assert enter(gate).model == FIRST
    assert services.checks == [FIRST, FIRST]


def test_a_fallback_takes_over_while_the_first_model_is_unavailable(settings: Settings, clock: Time) -> None:
    services = FakeServices(FIRST, SECOND)
    gate = gate_of(services, settings, clock)
    break_service(gate, services, cause="refused_key")
    assert enter(gate).model == SECOND
    services.failures.clear()
    clock.now += 5
    assert enter(gate).model == FIRST


def test_the_call_that_shows_an_outage_goes_to_the_fallback_at_once(settings: Settings, clock: Time) -> None:
    services = FakeServices(FIRST, SECOND)
    gate = gate_of(services, settings, clock)
    services.failures[FIRST] = "refused_key"
    wait = gate.failed(enter(gate), ServiceError("Refused.", "refused_key"), is_last=False)
    assert wait is not None
    assert wait.seconds == pytest.approx(0.1)


def test_a_busy_first_model_keeps_its_calls(settings: Settings, clock: Time) -> None:
    gate = gate_of(FakeServices(FIRST, SECOND), settings, clock)
    gate.failed(enter(gate), ServiceError("Too many requests.", "rate_limited", retry_after=7), is_last=False)
    wait = wait_of(gate)
    assert (wait.kind, wait.seconds, wait.until) == ("rate_limited", 7.0, clock.now + 7)


def test_too_many_requests_never_count_and_are_no_outage(settings: Settings, clock: Time) -> None:
    gate = gate_of(FakeServices(), settings, clock)
    for _ in range(20):
        busy = ServiceError("Too many requests.", "rate_limited", retry_after=3)
        assert gate.failed(enter(gate), busy, is_last=True) is not None
        clock.now += 3


def test_the_last_attempt_waits_when_a_probe_confirms_the_outage(settings: Settings, clock: Time) -> None:
    services = FakeServices()
    gate = gate_of(services, settings, clock)
    granted = enter(gate)
    services.failures[FIRST] = "outage"
    assert gate.failed(granted, OUTAGE, is_last=True) is not None
    assert wait_of(gate).kind == "outage"


def test_the_last_attempt_counts_when_the_service_answers_others(settings: Settings, clock: Time) -> None:
    services = FakeServices()
    gate = gate_of(services, settings, clock)
    assert gate.failed(enter(gate), OUTAGE, is_last=True) is None
    assert services.checks == [FIRST]


def test_with_the_policy_fail_no_outage_makes_a_step_wait(settings: Settings, clock: Time) -> None:
    gate = gate_of(FakeServices(), settings.model_copy(update={"ai_outage": "fail"}), clock)
    failures = [gate.failed(enter(gate), ServiceError("No.", "refused_key"), is_last=False) for _ in range(10)]
    assert failures == [None] * 10


def test_with_the_policy_fail_an_outage_that_is_known_already_makes_no_step_wait(
    settings: Settings, clock: Time
) -> None:
    services, states = FakeServices(), LocalStates(clock)
    break_service(gate_of(services, settings, clock, states=states), services)
    gate = gate_of(services, settings.model_copy(update={"ai_outage": "fail"}), clock, states=states)
    for _ in range(5):
        assert gate.failed(enter(gate), OUTAGE, is_last=True) is None
        clock.now += 10


def test_with_the_policy_fail_a_fallback_takes_over_too(settings: Settings, clock: Time) -> None:
    services = FakeServices(FIRST, SECOND)
    gate = gate_of(services, settings.model_copy(update={"ai_outage": "fail"}), clock)
    break_service(gate, services, cause="refused_key")
    assert enter(gate).model == SECOND


def test_a_busy_fallback_is_asked_again_as_soon_as_it_has_a_place(settings: Settings, clock: Time) -> None:
    services = FakeServices(FIRST, SECOND)
    gate = gate_of(services, settings.model_copy(update={"ai_max_concurrency": 1}), clock)
    break_service(gate, services, cause="refused_key")
    assert enter(gate).model == SECOND
    wait = wait_of(gate)
    assert (wait.kind, wait.since, wait.seconds) == ("refused", clock.now, 1.0)


def test_no_more_calls_than_the_ceiling_are_in_progress(settings: Settings, clock: Time) -> None:
    gate = gate_of(FakeServices(), settings.model_copy(update={"ai_max_concurrency": 3}), clock)
    granted = [enter(gate) for _ in range(3)]
    assert wait_of(gate).kind == "busy"
    gate.released(granted[0])
    enter(gate)


def test_a_living_process_keeps_its_places_and_a_dead_one_does_not(settings: Settings, clock: Time) -> None:
    states, changed = LocalStates(clock), settings.model_copy(update={"ai_max_concurrency": 2})
    living, dead = (gate_of(FakeServices(), changed, clock, states=states) for _ in range(2))
    enter(living)
    enter(dead)
    for _ in range(3):
        clock.now += settings.lease_seconds / 2
        living.renew()
    enter(living)
    assert wait_of(living).kind == "busy"


def test_a_step_over_a_limit_waits_without_a_place(settings: Settings, clock: Time) -> None:
    changed = settings.model_copy(update={"ai_requests_per_minute": 2, "ai_max_concurrency": 3})
    gate = gate_of(FakeServices(), changed, clock)
    for _ in range(2):
        assert gate.begin(enter(gate), "a-user") is None
    waits = [wait_of(gate) for _ in range(5)]
    assert {wait.kind for wait in waits} == {"limit"}
    assert waits[0].message == "The limit is used up: requests per minute."


def test_a_user_over_the_budget_waits_and_others_do_not(settings: Settings, clock: Time) -> None:
    gate = gate_of(FakeServices(), settings.model_copy(update={"ai_usd_per_day_per_user": 0.01}), clock)
    granted = enter(gate)
    gate.succeeded(granted, make_result(cost_usd=Decimal("0.02")), "spender")
    wait = gate.begin(enter(gate), "spender")
    assert wait is not None
    assert wait.seconds <= MAX_WAIT_SECONDS
    assert wait.until is not None
    assert gate.begin(enter(gate), "another") is None


def test_a_user_over_the_budget_uses_none_of_the_requests_of_the_others(settings: Settings, clock: Time) -> None:
    changed = settings.model_copy(update={"ai_usd_per_day_per_user": 0.01, "ai_requests_per_minute": 2})
    gate = gate_of(FakeServices(), changed, clock)
    gate.succeeded(enter(gate), make_result(cost_usd=Decimal("0.02")), "spender")
    for _ in range(5):
        granted = enter(gate)
        assert gate.begin(granted, "spender") is not None
        gate.released(granted)
    assert gate.begin(enter(gate), "another") is None


def test_calls_that_enter_together_do_not_exceed_the_requests_per_minute(settings: Settings, clock: Time) -> None:
    gate = gate_of(FakeServices(), settings.model_copy(update={"ai_requests_per_minute": 2}), clock)
    entered = [enter(gate) for _ in range(4)]
    waits = [gate.begin(granted, "a-user") for granted in entered]
    assert [wait is None for wait in waits] == [True, True, False, False]


def test_every_wait_is_shorter_than_a_minute(settings: Settings, clock: Time) -> None:
    services = FakeServices()
    states, jitters = LocalStates(clock), count()
    gate = gate_of(services, settings, clock, states=states, random_fraction=lambda: next(jitters) % 2 * 0.99)
    break_service(gate, services)
    states.change(FIRST, lambda state, now: (_with_late_probe(state, now), None))
    assert {wait_of(gate).seconds < 60 for _ in range(4)} == {True}


def _with_late_probe(state: ModelState, now: float) -> ModelState:
    assert state.outage is not None
    return replace(state, outage=replace(state.outage, probe_at=now + 3600))
