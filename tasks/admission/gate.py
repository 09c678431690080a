"""The gate in front of the models: which model a step may call now, or how long and why the step must wait.

It composes the circuit breaker and the concurrency of each model (`transitions`, kept by `state_store`) with the limits
(`budgets`). The models of an agent are tried in the order of the settings: a fallback takes over while the service
before it is unavailable, and not while that one is only busy.
"""

import logging
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from agents.errors import InvalidOutput, PermanentError, ServiceError
from agents.interface import AgentResult, Provider
from contracts.model_settings import ModelSettings
from contracts.model_state import ModelState
from tasks.admission import transitions
from tasks.admission.budgets import Budgets
from tasks.admission.state_store import States
from tasks.admission.transitions import PROBE_RUNNING_SECONDS, Admission, Admitted, Denied, Probe, ServiceFailure
from tasks.admission.waits import Wait, limit_wait, service_wait

log = logging.getLogger(__name__)

REFUSALS: Final = frozenset({"refused_key", "unknown_model"})
"""The causes that a single call can have too. An exhausted quota may still suffice for a probe."""

OnChange = Callable[[str, ModelState, ModelState], None]
"""Called with a model, and its state before and after a change that this process made."""


@dataclass(frozen=True, slots=True)
class Pass:
    """The right to call `model`, which is "" when the provider calls no service. Each pass ends with one report."""

    model: str
    call_id: str
    has_fallback: bool = False
    """Whether another model may answer while this one is unavailable."""


class Gate:
    """Decides for all steps of a process. Thread-safe."""

    def __init__(
        self,
        provider: Provider,
        settings: ModelSettings,
        states: States,
        budgets: Budgets,
        *,
        lease_seconds: float,
        on_change: OnChange,
        clock: Callable[[], float] = time.time,
        random_fraction: Callable[[], float] = random.random,
    ) -> None:
        self._provider = provider
        self._ceiling = settings.ai_max_concurrency
        self._waits_for_outages = settings.ai_outage == "wait"
        self._states = states
        self._budgets = budgets
        self._lease_seconds = lease_seconds
        self._lock = threading.Lock()
        self._calls: dict[str, set[str]] = defaultdict(set)
        """Model -> the ids of the calls of this process that are in progress."""
        self._on_change = on_change
        self._clock = clock
        self._random_fraction = random_fraction

    def enter(self, agent_name: str, call_id: str) -> Pass | Wait:
        """Return a pass for the first model that may be called, or else the wait for the model that is free first, with
        the reason of the first one. Where outages are not waited for, the first model is called nevertheless.

        It may take as long as a probe: the smallest possible call, of half a minute at most.
        """
        waits: list[Wait] = []
        models = self._provider.models(agent_name)
        for number, model in enumerate(models, start=1):
            answer = self._enter(model, call_id)
            if answer is None:
                return Pass(model, call_id, has_fallback=number < len(models))
            waits.append(answer)
            if not answer.is_outage:
                break
        if not waits:
            return Pass("", call_id)
        if not self._waits_for_outages and all(wait.is_outage for wait in waits):
            return Pass(models[0], call_id)
        return replace(waits[0], seconds=min(wait.seconds for wait in waits))

    def begin(self, granted: Pass, user_id: str) -> Wait | None:
        """Count the call, which begins now, or return the wait for a limit that is used up. The pass stays valid."""
        used_up = self._budgets.begin(granted.model, user_id) if granted.model else None
        return None if used_up is None else limit_wait(used_up, self._clock(), self._random_fraction())

    def succeeded(self, granted: Pass, result: AgentResult, user_id: str) -> None:
        """Note a call that gave a result, and what it used. Never raises: a paid result must reach PostgreSQL."""
        if not granted.model:
            return
        try:
            self.answered(granted)
            known = [number for number in (result.tokens_in, result.tokens_out) if number is not None]
            tokens = sum(known) if known else None
            self._budgets.count(granted.model, user_id, tokens=tokens, cost_usd=result.cost_usd)
        except Exception:  # the boundary to the figures: without them the result is worth as much
            log.exception("What a call of %s used could not be counted.", granted.model)

    def answered(self, granted: Pass) -> None:
        """Note a call that the service answered, although its answer may be of no use."""
        if granted.model:
            self._forget(granted)
            self._change(
                granted.model,
                lambda state, now: transitions.answered(state, granted.call_id, now, ceiling=self._ceiling),
            )

    def failed(self, granted: Pass, error: ServiceError, *, is_last: bool) -> Wait | None:
        """Note a failure of the service. Return how long the step waits without counting it, or None if it counts.

        `is_last` says that no other attempt may follow. A probe then tells an outage from a failure of this thought
        alone, so it may take as long as `enter`. A refusal is probed at once.
        """
        failure = self._confirmed(granted.model, _failure(error))
        is_outage = failure.cause != "rate_limited"
        self._forget(granted)
        state, now = self._note_failure(granted, failure)
        if is_last and is_outage and state.outage is None:
            state, now = self._decide_by_probe(granted)
        if not is_outage:
            return self._service_wait(Denied(state.paused_until - now, "rate_limited"), state, now)
        if state.outage is None or not (self._waits_for_outages or granted.has_fallback):
            return None
        seconds = 0.0 if granted.has_fallback else state.outage.probe_at - now
        return self._service_wait(Denied(seconds, "outage"), state, now)

    def ended(self, granted: Pass, error: BaseException) -> None:
        """Note a call that failed although its service works. A refusal and an unusable answer are answers; any other
        error says nothing about the service."""
        if isinstance(error, InvalidOutput | PermanentError):
            self.answered(granted)
        else:
            self.released(granted)

    def released(self, entry: Pass | Wait) -> None:
        """Note that the call did not begin, or ended without a word of the service. A wait has nothing to give back."""
        if isinstance(entry, Pass) and entry.model:
            self._forget(entry)
            self._change(entry.model, lambda state, _: transitions.released(state, entry.call_id))

    def renew(self) -> None:
        """Note that the calls of this process are in progress; due once per renewal of their leases."""
        with self._lock:
            calls = {model: frozenset(call_ids) for model, call_ids in self._calls.items() if call_ids}
        for model, call_ids in calls.items():
            self._states.change(model, partial(_renew, call_ids))

    def _forget(self, granted: Pass) -> None:
        with self._lock:
            self._calls[granted.model].discard(granted.call_id)

    def _enter(self, model: str, call_id: str) -> Wait | None:
        admission, state, now = self._request(model, call_id)
        if isinstance(admission, Probe):
            self._probe(model, call_id)
            admission, state, now = self._request(model, call_id)
        if isinstance(admission, Probe):
            admission = Denied(PROBE_RUNNING_SECONDS, "outage")
        if isinstance(admission, Denied):
            return self._service_wait(admission, state, now)
        used_up = self._budgets.used_up(model)
        if used_up is None:
            return None
        self.released(Pass(model, call_id))
        return limit_wait(used_up, self._clock(), self._random_fraction())

    def _request(self, model: str, call_id: str) -> tuple[Admission, ModelState, float]:
        def request(state: ModelState, now: float) -> tuple[ModelState, tuple[Admission, float]]:
            after, admission = transitions.request_call(
                state, call_id, now, ceiling=self._ceiling, lease_seconds=self._lease_seconds
            )
            return after, (admission, now)

        _, after, (admission, now) = self._states.change(model, request)
        if isinstance(admission, Admitted):
            with self._lock:
                self._calls[model].add(call_id)
        return admission, after, now

    def _probe(self, model: str, call_id: str) -> None:
        failure = self._check(model)
        self._change(model, lambda state, now: transitions.probed(state, call_id, failure, now))

    def _check(self, model: str) -> ServiceFailure | None:
        """Return why the service does not answer the smallest possible call, or None when it does."""
        try:
            self._provider.check(model)
        except ServiceError as error:
            return None if error.cause == "rate_limited" else _failure(error)
        return None

    def _confirmed(self, model: str, failure: ServiceFailure) -> ServiceFailure:
        """Return the failure, as one of this call alone when the service refuses it and answers the smallest call.

        A gateway may refuse the text of one thought with 403 or 404. Its attempts would never count, and all other
        thoughts would wait each time.
        """
        if failure.cause not in REFUSALS or self._change(model, lambda state, _: state)[0].outage is not None:
            return failure
        return self._check(model) or replace(failure, cause="outage", cure="")

    def _decide_by_probe(self, granted: Pass) -> tuple[ModelState, float]:
        """Make the service unavailable when a probe fails too. Otherwise the failures were those of thoughts."""
        failure = self._check(granted.model)
        if failure is None:
            return self._change(granted.model, lambda state, _: replace(state, failures=()))
        return self._note_failure(granted, failure, is_confirmed=True)

    def _note_failure(
        self, granted: Pass, failure: ServiceFailure, *, is_confirmed: bool = False
    ) -> tuple[ModelState, float]:
        return self._change(
            granted.model,
            lambda state, now: transitions.failed(
                state, granted.call_id, failure, now, ceiling=self._ceiling, is_confirmed=is_confirmed
            ),
        )

    def _change(self, model: str, change: Callable[[ModelState, float], ModelState]) -> tuple[ModelState, float]:
        before, after, now = self._states.change(model, lambda state, now: (change(state, now), now))
        self._on_change(model, before, after)
        return after, now

    def _service_wait(self, denied: Denied, state: ModelState, now: float) -> Wait:
        return service_wait(denied, state, now, self._random_fraction())


def _failure(error: ServiceError) -> ServiceFailure:
    return ServiceFailure(error.cause, str(error), error.cure, error.retry_after)


def _renew(call_ids: Collection[str], state: ModelState, now: float) -> tuple[ModelState, None]:
    return transitions.renewed(state, call_ids, now), None
