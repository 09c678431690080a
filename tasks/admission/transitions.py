"""The state machine of one model's service: a circuit breaker and a limit of concurrent calls. Pure: no I/O, no clock.

    event                      available                                unavailable
    -------------------------  ---------------------------------------  ------------------------------------------
    a call asks to begin       admitted, unless too many are in         one call probes, when a probe is due;
                               progress or the service asked to wait    all others wait
    a call was answered        the limit grows; failures in a row: 0    available again, with a small limit
    "too many requests"        half the limit, and wait as asked        the same; the service is available again
    a call failed              the fifth in a row: unavailable          nothing
    a person must act          unavailable at once                      nothing
    a probe failed             unavailable                              the next probe comes twice as late

Times are seconds of a clock that all workers share (`state_store`). One call asks, and reports once with the same id.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final, Literal

from agents.errors import NEEDS_A_PERSON, ServiceCause
from contracts.model_state import OUTAGE_THRESHOLD, ModelState, Outage

FIRST_PROBE_SECONDS: Final = 5.0
"""When the first probe comes after a service became unavailable."""

MAX_PROBE_SECONDS: Final = 60.0

PROBE_TIMEOUT_SECONDS: Final = 45.0
"""After this a prober counts as dead, and another call may probe: longer than a probe takes with all its time-outs."""

PROBE_RUNNING_SECONDS: Final = 2.0
"""How long a call waits while another one probes."""

RESUME_LIMIT: Final = 2.0
"""The limit of concurrent calls when a service is available again; it grows with each answer."""

RATE_LIMIT_SECONDS: Final = 1.0
"""How long no call begins after "too many requests" without a Retry-After."""

MAX_PAUSE_SECONDS: Final = 3600.0
"""The longest Retry-After that is honoured: a wrong one would stop all work for ever."""

MAX_TURN_SECONDS: Final = 30.0
"""The longest wait for a free place, before the call asks again."""

RETURN_SPACING_SECONDS: Final = 0.05
"""Between the returns of two calls that wait for a probe or a pause: a thousand that return together would do nothing
but wait again."""

DURATION_WEIGHT: Final = 0.1
"""The weight of the newest duration in the average."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The call may begin."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The call must check first whether the service answers, and report the result with `probed`."""


Reason = Literal["outage", "rate_limited", "busy"]


@dataclass(frozen=True, slots=True)
class Denied:
    """The call must ask again after `seconds`."""

    seconds: float
    reason: Reason


Admission = Admitted | Probe | Denied


@dataclass(frozen=True, slots=True)
class ServiceFailure:
    """A failure of the service, as the providers classify it."""

    cause: ServiceCause
    message: str
    cure: str = ""
    retry_after: float | None = None


def request_call(
    state: ModelState, call_id: str, now: float, *, ceiling: int, lease_seconds: float
) -> tuple[ModelState, Admission]:
    """Decide about a call that wants to begin. `ceiling` limits concurrent calls; one that was not renewed for
    `lease_seconds` has ended with its worker."""
    state = _without_dead_calls(state, now - lease_seconds)
    if state.outage is not None:
        return _request_probe(state, state.outage, call_id, now)
    if now < state.paused_until:
        return _return_after(state, state.paused_until, now, "rate_limited")
    if call_id not in state.calls and len(state.calls) >= max(1, int(_limit(state, ceiling))):
        return _give_turn(state, now, ceiling)
    return replace(state, calls={**state.calls, call_id: (now, now)}), Admitted()


def renewed(state: ModelState, call_ids: Collection[str], now: float) -> ModelState:
    """Note that the worker of these calls is alive."""
    alive = {call_id: (state.calls[call_id][0], now) for call_id in call_ids if call_id in state.calls}
    return replace(state, calls={**state.calls, **alive})


def answered(state: ModelState, call_id: str, now: float, *, ceiling: int) -> ModelState:
    """Note that the service answered a call, whatever the answer was worth."""
    if state.outage is not None:
        state = _available(state)
    started = _start_of(state, call_id, now)
    seconds = state.call_seconds + DURATION_WEIGHT * (max(0.0, now - started) - state.call_seconds)
    limit = _limit(state, ceiling)
    is_resuming = not state.growth_limit or limit < state.growth_limit
    grown = min(float(ceiling), limit + (1.0 if is_resuming else 1.0 / limit))
    return replace(_ended(state, call_id), failures=(), limit=grown, call_seconds=seconds)


def failed(
    state: ModelState, call_id: str, failure: ServiceFailure, now: float, *, ceiling: int, is_confirmed: bool = False
) -> ModelState:
    """Note that the service failed a call. `is_confirmed` says that a probe failed too."""
    started = _start_of(state, call_id, now)
    state = _ended(state, call_id)
    if failure.cause == "rate_limited":
        return _rate_limited(state, failure, started, now, ceiling)
    if state.outage is not None:
        return state
    failures = (*[known for known in state.failures if known != call_id], call_id)[-OUTAGE_THRESHOLD:]
    state = replace(state, failures=failures)
    is_unavailable = len(failures) >= OUTAGE_THRESHOLD or is_confirmed
    return _unavailable(state, failure, now) if is_unavailable or failure.cause in NEEDS_A_PERSON else state


def probed(state: ModelState, call_id: str, failure: ServiceFailure | None, now: float) -> ModelState:
    """Note the result of a probe; None means that the service answered. A late result of another prober is ignored."""
    outage = state.outage
    if outage is None or outage.prober != call_id:
        return state
    if failure is None:
        return _available(state)
    interval = min(MAX_PROBE_SECONDS, 2 * outage.probe_interval)
    renewed = replace(
        outage,
        cause=failure.cause,
        message=failure.message,
        cure=failure.cure,
        probe_at=now + interval,
        probe_interval=interval,
        prober="",
        prober_until=0.0,
    )
    return replace(state, outage=renewed)


def released(state: ModelState, call_id: str) -> ModelState:
    """Note that a call ended without a word of the service: it was fenced, or never began."""
    outage = state.outage
    if outage is not None and outage.prober == call_id:
        state = replace(state, outage=replace(outage, prober="", prober_until=0.0))
    return _ended(state, call_id)


def _limit(state: ModelState, ceiling: int) -> float:
    return min(float(ceiling), state.limit or float(ceiling))


def _start_of(state: ModelState, call_id: str, default: float) -> float:
    return state.calls[call_id][0] if call_id in state.calls else default


def _ended(state: ModelState, call_id: str) -> ModelState:
    return replace(state, calls={known: times for known, times in state.calls.items() if known != call_id})


def _without_dead_calls(state: ModelState, renewed_before: float) -> ModelState:
    alive = {call_id: times for call_id, times in state.calls.items() if times[1] >= renewed_before}
    return state if len(alive) == len(state.calls) else replace(state, calls=alive)


def _request_probe(state: ModelState, outage: Outage, call_id: str, now: float) -> tuple[ModelState, Admission]:
    if outage.prober and outage.prober != call_id and now < outage.prober_until:
        return _return_after(state, now + PROBE_RUNNING_SECONDS, now, "outage")
    if now < outage.probe_at:
        return _return_after(state, outage.probe_at, now, "outage")
    probing = replace(outage, prober=call_id, prober_until=now + PROBE_TIMEOUT_SECONDS)
    return replace(state, outage=probing), Probe()


def _give_turn(state: ModelState, now: float, ceiling: int) -> tuple[ModelState, Admission]:
    """Tell a call that finds no free place when to return: each one an average call later than the one before."""
    spacing = max(0.05, state.call_seconds / _limit(state, ceiling))
    turn = min(max(now, state.next_turn) + spacing, now + MAX_TURN_SECONDS)
    return replace(state, next_turn=turn), Denied(turn - now, "busy")


def _return_after(state: ModelState, earliest: float, now: float, reason: Reason) -> tuple[ModelState, Admission]:
    """Tell a call to return after `earliest`: each one a little later than the one before."""
    turn = min(max(earliest, state.next_turn), earliest + MAX_TURN_SECONDS)
    return replace(state, next_turn=turn + RETURN_SPACING_SECONDS), Denied(turn - now, reason)


def _rate_limited(state: ModelState, failure: ServiceFailure, started: float, now: float, ceiling: int) -> ModelState:
    """Halve the limit once for all calls that were in progress together, and begin none before the service allows."""
    if state.outage is not None:
        state = _available(state)
    paused_until = max(state.paused_until, now + _pause_seconds(failure.retry_after))
    state = replace(state, failures=(), paused_until=paused_until)
    if started < state.halved_at:
        return state
    half = max(1.0, _limit(state, ceiling) / 2)
    return replace(state, limit=half, growth_limit=half, halved_at=now)


def _pause_seconds(retry_after: float | None) -> float:
    is_usable = retry_after is not None and retry_after > 0  # which "not a number" is not
    return min(MAX_PAUSE_SECONDS, retry_after) if retry_after and is_usable else RATE_LIMIT_SECONDS


def _unavailable(state: ModelState, failure: ServiceFailure, now: float) -> ModelState:
    outage = Outage(
        since=now,
        cause=failure.cause,
        message=failure.message,
        cure=failure.cure,
        probe_at=now + FIRST_PROBE_SECONDS,
        probe_interval=FIRST_PROBE_SECONDS,
    )
    return replace(state, outage=outage, failures=(), next_turn=0.0)


def _available(state: ModelState) -> ModelState:
    return replace(state, outage=None, failures=(), limit=RESUME_LIMIT, growth_limit=0.0, next_turn=0.0)
