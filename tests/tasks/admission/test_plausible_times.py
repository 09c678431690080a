"""No call waits for a time that a wrong clock has stored in a model's state."""

from dataclasses import replace

import redis

from contracts.model_state import ModelState, state_key
from tasks.admission.plausible_times import without_future_times
from tasks.admission.state_store import LocalStates, SharedStates
from tasks.admission.transitions import Admitted, Denied, Probe, request_call
from tests.tasks.admission.test_transitions import unavailable

HOUR, MONTH = 3600.0, 30 * 86400.0
NOW = 1_000_000.0


def admission(state: ModelState) -> Admitted | Probe | Denied:
    """Return the answer to a call that asks now."""
    return request_call(without_future_times(state, NOW), "call", NOW, ceiling=2, lease_seconds=20.0)[1]


def busy(renewed_at: float) -> ModelState:
    """Return the state of a service with two calls, as many as may be in progress."""
    return ModelState(calls={"one": (renewed_at, renewed_at), "two": (renewed_at, renewed_at)})


def test_a_pause_of_the_far_future_is_not_waited_for() -> None:
    assert admission(ModelState(paused_until=NOW + MONTH)) == Admitted()
    assert admission(ModelState(paused_until=float("inf"))) == Admitted()


def test_a_pause_that_a_service_can_have_asked_for_is_kept() -> None:
    assert admission(ModelState(paused_until=NOW + HOUR / 2)) == Denied(HOUR / 2, "rate_limited")


def test_a_probe_of_the_far_future_is_due_at_once() -> None:
    assert admission(unavailable(NOW + HOUR)) == Probe()


def test_a_prober_of_the_far_future_is_not_waited_for() -> None:
    state = unavailable(NOW)
    assert state.outage
    probing = replace(state, outage=replace(state.outage, probe_at=NOW, prober="x", prober_until=NOW + HOUR))
    assert admission(probing) == Probe()


def test_calls_of_a_dead_worker_free_their_places_although_their_times_are_in_the_future() -> None:
    state = without_future_times(busy(NOW + MONTH), NOW)
    later = NOW + 21.0
    assert request_call(state, "call", later, ceiling=2, lease_seconds=20.0)[1] == Admitted()


def test_a_turn_of_the_far_future_is_forgotten() -> None:
    assert admission(replace(busy(NOW), next_turn=NOW + MONTH)) == Denied(0.5, "busy")


def test_the_limit_is_halved_again_although_it_was_halved_in_the_future() -> None:
    assert without_future_times(ModelState(halved_at=NOW + MONTH), NOW).halved_at == NOW


def test_a_state_of_the_present_is_unchanged() -> None:
    state = replace(unavailable(NOW - 1), halved_at=NOW - 5, next_turn=NOW + 1, calls={"x": (NOW - 3, NOW - 1)})
    assert without_future_times(state, NOW) == state


def test_the_shared_and_the_local_states_forget_future_times(redis_client: redis.Redis) -> None:
    future = ModelState(paused_until=9e12)
    redis_client.hset(state_key("test"), "model", future.to_json())
    before, _, _ = SharedStates(redis_client, "test").change("model", lambda state, _: (state, None))
    assert before.paused_until == 0.0
    local = LocalStates()
    local.replace("model", future)
    assert local.change("model", lambda state, _: (state, None))[0].paused_until == 0.0
