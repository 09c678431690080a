"""The state machine of a model's service: when it is unavailable, who probes, and how many calls may be in progress."""

from dataclasses import replace
from heapq import heappop, heappush
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import ServiceCause
from contracts.model_state import OUTAGE_THRESHOLD, ModelState, parse_state
from tasks.admission import transitions
from tasks.admission.transitions import Admitted, Denied, Probe, ServiceFailure
from tasks.admission.waits import service_wait

CEILING, LEASE = 8, 20.0
OUTAGE = ServiceFailure("outage", "The service is unreachable.")


def request(state: ModelState, call_id: str, now: float) -> tuple[ModelState, transitions.Admission]:
    return transitions.request_call(state, call_id, now, ceiling=CEILING, lease_seconds=LEASE)


def begin(state: ModelState, call_id: str, now: float = 0.0) -> ModelState:
    """Begin a call that must be admitted."""
    state, admission = request(state, call_id, now)
    assert admission == Admitted()
    return state


def fail(state: ModelState, call_id: str, now: float = 0.0, failure: ServiceFailure = OUTAGE) -> ModelState:
    return transitions.failed(state, call_id, failure, now, ceiling=CEILING)


def answer(state: ModelState, call_id: str, now: float = 0.0) -> ModelState:
    return transitions.answered(state, call_id, now, ceiling=CEILING)


def unavailable(now: float = 0.0) -> ModelState:
    """Return the state after an outage that began at `now`."""
    state = ModelState()
    for number in range(OUTAGE_THRESHOLD):
        state = fail(begin(state, f"failed-{number}", now), f"failed-{number}", now)
    assert state.outage is not None
    return state


def test_the_fifth_failure_in_a_row_makes_the_service_unavailable() -> None:
    state = ModelState()
    for number in range(OUTAGE_THRESHOLD - 1):
        state = fail(begin(state, f"call-{number}"), f"call-{number}")
    assert state.outage is None
    assert fail(begin(state, "last"), "last").outage is not None


def test_failures_of_the_same_call_count_once() -> None:
    state = ModelState()
    for _ in range(3 * OUTAGE_THRESHOLD):
        state = fail(state, "the-same")
    assert state.outage is None


def test_an_answered_call_starts_the_count_of_failures_again() -> None:
    state = ModelState()
    for number in range(20):
        state = fail(begin(state, f"call-{number}"), f"call-{number}")
        if number % (OUTAGE_THRESHOLD - 1) == 3:
            state = answer(begin(state, f"good-{number}"), f"good-{number}")
    assert state.outage is None


@pytest.mark.parametrize("cause", ["refused_key", "unknown_model", "quota"])
def test_a_failure_that_needs_a_person_makes_the_service_unavailable_at_once(cause: ServiceCause) -> None:
    state = fail(begin(ModelState(), "a"), "a", failure=ServiceFailure(cause, "Refused.", "Set OPENAI_API_KEY."))
    assert state.outage is not None
    assert (state.outage.cause, state.outage.cure) == (cause, "Set OPENAI_API_KEY.")


def test_a_failure_that_a_probe_confirmed_makes_the_service_unavailable() -> None:
    assert transitions.failed(ModelState(), "a", OUTAGE, 0.0, ceiling=CEILING, is_confirmed=True).outage is not None


def test_while_the_service_is_unavailable_calls_wait_until_the_next_probe() -> None:
    _, admission = request(unavailable(now=100.0), "a", 102.0)
    assert admission == Denied(transitions.FIRST_PROBE_SECONDS - 2.0, "outage")


def test_one_call_probes_at_a_time() -> None:
    state, first = request(unavailable(), "first", 10.0)
    _, second = request(state, "second", 11.0)
    assert first == Probe()
    assert second == Denied(transitions.PROBE_RUNNING_SECONDS, "outage")


def test_a_prober_that_reports_nothing_is_replaced() -> None:
    state, _ = request(unavailable(), "dead", 10.0)
    state, admission = request(state, "next", 10.0 + transitions.PROBE_TIMEOUT_SECONDS)
    assert admission == Probe()
    late = transitions.probed(state, "dead", OUTAGE, 60.0)
    assert late == state


def test_probes_come_from_five_to_sixty_seconds_apart() -> None:
    state, now, pauses = unavailable(), 5.0, []
    for number in range(6):
        state, admission = request(state, f"probe-{number}", now)
        assert admission == Probe()
        state = transitions.probed(state, f"probe-{number}", OUTAGE, now)
        assert state.outage is not None
        pauses.append(state.outage.probe_at - now)
        now = state.outage.probe_at
    assert pauses == [10.0, 20.0, 40.0, 60.0, 60.0, 60.0]


def test_a_failed_probe_replaces_the_reason_and_keeps_the_start_of_the_outage() -> None:
    state, _ = request(unavailable(now=100.0), "a", 110.0)
    state = transitions.probed(state, "a", ServiceFailure("refused_key", "Refused.", "Correct the key."), 111.0)
    assert state.outage is not None
    assert (state.outage.cause, state.outage.cure, state.outage.since) == ("refused_key", "Correct the key.", 100.0)


def test_after_a_successful_probe_the_work_resumes_gradually() -> None:
    state, _ = request(unavailable(), "a", 10.0)
    state = transitions.probed(state, "a", None, 11.0)
    admitted = 0
    for number in range(CEILING):
        state, admission = request(state, f"call-{number}", 11.0)
        admitted += admission == Admitted()
    assert admitted == transitions.RESUME_LIMIT
    for number in range(admitted):
        state = answer(state, f"call-{number}", 12.0)
    assert state.limit == transitions.RESUME_LIMIT + admitted


def test_a_call_that_is_answered_during_an_outage_ends_it() -> None:
    assert answer(unavailable(), "slow", 3.0).outage is None


def test_a_busy_service_is_never_unavailable_and_gets_half_the_calls() -> None:
    state = ModelState()
    for number in range(50):
        now = float(number * 10)
        state = begin(state, f"call-{number}", now)
        state = fail(state, f"call-{number}", now, ServiceFailure("rate_limited", "Busy.", retry_after=5.0))
        assert state.outage is None
        assert request(state, "next", now)[1] == Denied(5.0, "rate_limited")
    assert state.limit == 1.0


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [(7.5, 7.5), (1e12, 3600.0), (float("inf"), 3600.0), (float("nan"), 1.0), (-5.0, 1.0), (0.0, 1.0)],
)
def test_a_retry_after_is_honoured_within_reason(retry_after: float, seconds: float) -> None:
    state = fail(begin(ModelState(), "a"), "a", failure=ServiceFailure("rate_limited", "", retry_after=retry_after))
    state, admission = request(state, "next", 0.0)
    assert admission == Denied(seconds, "rate_limited")
    assert service_wait(admission, state, 0.0, 0.0).to_json()["until"] is not None


def test_calls_that_were_refused_together_halve_the_limit_once() -> None:
    state = ModelState()
    for number in range(CEILING):
        state = begin(state, f"call-{number}", 0.0)
    for number in range(CEILING):
        state = fail(state, f"call-{number}", 1.0, ServiceFailure("rate_limited", "Busy."))
    assert state.limit == CEILING / 2


def test_the_limit_grows_slowly_above_the_one_that_was_too_high() -> None:
    state = replace(ModelState(), limit=4.0, growth_limit=4.0)
    for number in range(4):
        state = answer(begin(state, f"call-{number}", 5.0), f"call-{number}", 6.0)
    assert 4.8 < state.limit < 5.0


def test_calls_without_a_free_place_get_turns_one_after_the_other() -> None:
    state = replace(ModelState(), call_seconds=4.0)
    for number in range(CEILING):
        state = begin(state, f"call-{number}", 0.0)
    waits = []
    for number in range(3):
        state, admission = request(state, f"waiting-{number}", 0.0)
        assert isinstance(admission, Denied)
        waits.append(admission.seconds)
    assert waits == [0.5, 1.0, 1.5]


def test_the_places_of_a_dead_worker_become_free_and_those_of_a_living_one_do_not() -> None:
    state = ModelState()
    for number in range(CEILING):
        state = begin(state, f"call-{number}", 0.0)
    state = transitions.renewed(state, [f"call-{number}" for number in range(CEILING - 1)], 15.0)
    assert isinstance(request(state, "next", LEASE)[1], Denied)
    state = begin(state, "next", LEASE + 1)
    assert len(state.calls) == CEILING


def test_a_renewal_keeps_the_start_of_a_call_and_adds_none() -> None:
    state = transitions.renewed(begin(ModelState(), "a", 3.0), ["a", "ended"], 9.0)
    assert state.calls == {"a": (3.0, 9.0)}


def test_a_released_call_gives_back_its_place_and_its_probe() -> None:
    assert transitions.released(begin(ModelState(), "a"), "a").calls == {}
    state, _ = request(unavailable(), "a", 10.0)
    assert request(transitions.released(state, "a"), "b", 10.0)[1] == Probe()


@pytest.mark.parametrize("ask", ["a probe that hangs", "a service that goes on refusing"])
def test_a_thousand_waiting_calls_do_not_return_together(ask: str) -> None:
    """Each call that is denied asks again when its wait, with its jitter, has passed."""
    state, jitters, asked = unavailable(), count(), 0
    if ask == "a service that goes on refusing":
        state = ModelState()
    returns = [(0.0, number) for number in range(1000)]
    while returns[0][0] < 60.0:
        now, number = heappop(returns)
        asked += 1
        state, admission = request(state, f"call-{number}", now)
        if isinstance(admission, Denied):
            seconds = service_wait(admission, state, now, next(jitters) * 0.618 % 1).seconds
        else:
            state = (
                fail(state, f"call-{number}", now, ServiceFailure("rate_limited", "Busy.")) if state.calls else state
            )
            seconds = transitions.PROBE_TIMEOUT_SECONDS
        heappush(returns, (now + seconds, number))
    assert asked < 1000 + 60 * 50


EVENTS = st.lists(
    st.tuples(st.sampled_from(["request", "answer", "outage", "busy", "key", "release", "probe"]), st.integers(0, 9)),
    max_size=60,
)


@given(events=EVENTS)
def test_in_any_order_of_events_the_state_is_stored_and_never_blocks_for_ever(events: list[tuple[str, int]]) -> None:
    state, clock = ModelState(), count(step=7)
    for event, number in events:
        call_id, now = f"call-{number}", float(next(clock))
        match event:
            case "request":
                state, _ = request(state, call_id, now)
            case "answer":
                state = answer(state, call_id, now)
            case "outage":
                state = fail(state, call_id, now)
            case "busy":
                state = fail(state, call_id, now, ServiceFailure("rate_limited", "Busy.", retry_after=3.0))
            case "key":
                state = fail(state, call_id, now, ServiceFailure("refused_key", "Refused."))
            case "probe":
                state = transitions.probed(state, call_id, None, now)
            case _:
                state = transitions.released(state, call_id)
        assert parse_state(state.to_json()) == state
        assert len(state.calls) <= CEILING
        assert 0 <= state.limit <= CEILING
    later = float(next(clock)) + 1000.0
    assert isinstance(request(state, "last", later)[1], Admitted | Probe)
