"""Keeps the states of the models: shared by all workers through Redis, or of this process while Redis is unavailable.

A change is a pure function of the state and the time. The shared state is replaced by compare-and-set, so a change is
applied again when another worker was faster. The time is Redis's, because all workers compare it.
"""

import logging
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Final, Protocol, TypeVar

import redis

from contracts.model_state import ModelState, model_name, parse_state, state_key
from contracts.refusals import redis_trouble
from contracts.trouble_log import log_trouble
from tasks.admission.plausible_times import without_future_times
from tasks.admission.transitions import released

log = logging.getLogger(__name__)

T = TypeVar("T")

Change = Callable[[ModelState, float], tuple[ModelState, T]]
"""Takes a state and the time, and returns the new state and its answer."""

MAX_TRIES: Final = 20
"""How often a change is tried against other workers before this process decides alone."""

MAX_PAUSES_SECONDS: Final = (0.002, 0.004, 0.008, 0.016, 0.032, 0.064)
"""The longest pauses after a try that lost against another worker; the last one repeats. Without them, sixteen threads
lost twenty times in a row so often that their processes decided alone although Redis was available."""

LOCAL_SECONDS: Final = 2.0
"""How long this process decides alone after Redis did not answer, so that not every call waits for a time-out."""

_READ: Final = """
local now = redis.call('TIME')
return {redis.call('HGET', KEYS[1], ARGV[1]) or '', now[1] .. '.' .. string.format('%06d', now[2])}
"""

_REPLACE: Final = """
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""


class States(Protocol):
    """Where the states are kept."""

    def change(self, model: str, change: Change[T]) -> tuple[ModelState, ModelState, T]:
        """Apply a change. Return the state before, the state after, and the change's answer."""
        ...


class LocalStates:
    """The states in this process's memory. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._states: dict[str, ModelState] = {}

    def change(self, model: str, change: Change[T]) -> tuple[ModelState, ModelState, T]:
        with self._lock:
            now = self._clock()
            before = without_future_times(self._states.get(model, ModelState()), now)
            after, answer = change(before, now)
            self._states[model] = after
            return before, after, answer

    def replace(self, model: str, state: ModelState) -> None:
        """Set a state, for the time when it must be used."""
        with self._lock:
            self._states[model] = state


class SharedStates:
    """The states in Redis. `change` raises redis.RedisError when it is unavailable."""

    def __init__(self, client: redis.Redis, prefix: str, random_fraction: Callable[[], float] = random.random) -> None:
        self._random_fraction = random_fraction
        self._key = state_key(prefix)
        self._read = client.register_script(_READ)
        self._replace = client.register_script(_REPLACE)

    def change(self, model: str, change: Change[T]) -> tuple[ModelState, ModelState, T]:
        for number in range(MAX_TRIES):
            stored, now = self._read(keys=[self._key], args=[model])
            before = without_future_times(parse_state(stored) or ModelState(), float(now))
            after, answer = change(before, float(now))
            if after == before or self._replace(keys=[self._key], args=[model, stored, after.to_json()]):
                return before, after, answer
            time.sleep(self._random_fraction() * MAX_PAUSES_SECONDS[min(number, len(MAX_PAUSES_SECONDS) - 1)])
        raise redis.RedisError(f"the state was changed by other workers {MAX_TRIES} times in a row")


def forget_other_models(client: redis.Redis, prefix: str, models: Collection[str]) -> None:
    """Forget the states of all models but these. Nobody would call the others again, so that an outage which ended with
    a change of the settings would be shown for ever. While Redis is unavailable, nothing is forgotten."""
    try:
        others = [name for name in client.hkeys(state_key(prefix)) if model_name(name) not in models]
        if others:
            client.hdel(state_key(prefix), *others)
    except redis.RedisError as error:
        log_trouble(log, redis_trouble(error), "the states of former models stay")


class StatesWithFallback:
    """The shared states, and while Redis is unavailable the last ones that this process has seen.

    What ended in the meantime is noted in Redis with the next change: the places of its calls would otherwise stay
    taken until the calls counted as dead.
    """

    def __init__(self, shared: States, clock: Callable[[], float] = time.time) -> None:
        self._shared = shared
        self._local = LocalStates(clock)
        self._clock = clock
        self._local_until = 0.0
        self._lock = threading.Lock()
        self._ended: dict[str, set[str]] = defaultdict(set)
        """By model, the ids of the calls and probes that ended while this process decided alone."""

    def change(self, model: str, change: Change[T]) -> tuple[ModelState, ModelState, T]:
        if self._clock() >= self._local_until:
            try:
                return self._change_shared(model, change)
            except redis.RedisError as error:
                self._local_until = self._clock() + LOCAL_SECONDS
                log_trouble(log, redis_trouble(error), f"this process decides alone about calls of {model}")
        before, after, answer = self._local.change(model, change)
        with self._lock:
            self._ended[model] |= _in_progress(before) - _in_progress(after)
        return before, after, answer

    def _change_shared(self, model: str, change: Change[T]) -> tuple[ModelState, ModelState, T]:
        with self._lock:
            ended = frozenset(self._ended[model])

        def change_without_ended(state: ModelState, now: float) -> tuple[ModelState, T]:
            for call_id in ended:
                state = released(state, call_id)
            return change(state, now)

        before, after, answer = self._shared.change(model, change_without_ended)
        self._local.replace(model, after)
        with self._lock:
            self._ended[model] -= ended
        return before, after, answer


def _in_progress(state: ModelState) -> set[str]:
    prober = {state.outage.prober} if state.outage and state.outage.prober else set()
    return set(state.calls) | prober
