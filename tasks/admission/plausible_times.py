"""Forgets times of a model's state that no worker can have stored under the present clock. Pure.

Redis's clock dates the state. After that clock was ahead for a while, a time of the state can be hours in the future,
and all calls would wait until it has come.
"""

from dataclasses import replace

from contracts.model_state import ModelState, Outage
from tasks.admission.transitions import MAX_PAUSE_SECONDS, MAX_PROBE_SECONDS, MAX_TURN_SECONDS, PROBE_TIMEOUT_SECONDS


def without_future_times(state: ModelState, now: float) -> ModelState:
    """Return the state without times that are further in the future than the longest wait of their kind.

    A time that is in the future by definition counts as "now" or as not set; the others cannot be later than `now`.
    """
    return replace(
        state,
        outage=state.outage and _plausible_outage(state.outage, now),
        calls={call: (min(started, now), min(renewed, now)) for call, (started, renewed) in state.calls.items()},
        halved_at=min(state.halved_at, now),
        paused_until=_until(state.paused_until, now + MAX_PAUSE_SECONDS, 0.0),
        next_turn=_until(state.next_turn, now + MAX_PAUSE_SECONDS + MAX_TURN_SECONDS, 0.0),
    )


def _plausible_outage(outage: Outage, now: float) -> Outage:
    return replace(
        outage,
        since=min(outage.since, now),
        probe_at=_until(outage.probe_at, now + MAX_PROBE_SECONDS, now),
        prober_until=_until(outage.prober_until, now + PROBE_TIMEOUT_SECONDS, 0.0),
    )


def _until(time: float, latest: float, otherwise: float) -> float:
    """Return a time, or `otherwise` when it is later than any that can have been stored, or not a number."""
    return time if time <= latest else otherwise
