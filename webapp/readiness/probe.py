"""Runs one check in the background and keeps its last outcome, so that no request waits for a hanging dependency."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

INTERVAL_SECONDS: Final = 2.0
"""A check starts at most this often, however many requests ask."""

TIMEOUT_SECONDS: Final = 2.0
"""After this long without an answer a dependency counts as hanging."""

MAX_AGE_SECONDS: Final = 6.0
"""An outcome of this age is no longer returned while a new check runs; the caller waits for that."""


class CheckError(Exception):
    """Raised by a check whose dependency does not do what is needed. The message is a sentence without addresses."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What a check found."""

    value: T | None = None
    """What the check returned; None after a failure."""
    problem: str = ""
    """A sentence that says what does not work; empty when everything does."""
    latency_ms: float | None = None
    """How long the check took; None after a failure."""

    @property
    def ok(self) -> bool:
        return not self.problem


class Probe(Generic[T]):
    """Runs `check` when an outcome is wanted and the last one is older than INTERVAL_SECONDS. Thread-safe.

    `name` begins the sentences about it. `check` returns a value, or raises CheckError. One check runs at a time: one
    that hangs is not followed by another, and counts as failed until it returns.
    """

    def __init__(self, name: str, check: Callable[[], T]) -> None:
        self._name = name
        self._check = check
        self._lock = threading.Lock()
        self._outcome: Outcome[T] | None = None
        self._ended_at = float("-inf")
        self._started_at = float("-inf")
        self._done = threading.Event()
        self._done.set()

    def outcome(self) -> Outcome[T]:
        """Return the last outcome, and start a check if that is due. Wait for it only without a recent outcome.

        The wait ends TIMEOUT_SECONDS after the start of the check.
        """
        self.refresh()
        now = time.monotonic()
        is_hanging = not self._done.is_set() and now - self._started_at > TIMEOUT_SECONDS
        if self._outcome is not None and now - self._ended_at <= MAX_AGE_SECONDS and not is_hanging:
            return self._outcome
        self._done.wait(max(0.0, self._started_at + TIMEOUT_SECONDS - now))
        return self._outcome if self._outcome is not None and self._done.is_set() else self._hanging()

    def refresh(self) -> None:
        """Start a check, unless one is running or the last one has just ended."""
        with self._lock:
            if not self._done.is_set() or time.monotonic() - self._ended_at < INTERVAL_SECONDS:
                return
            self._started_at = time.monotonic()
            self._done.clear()
        threading.Thread(target=self._run, name=f"probe {self._name}", daemon=True).start()

    def _run(self) -> None:
        started_at = time.monotonic()
        try:
            value = self._check()
            seconds = time.monotonic() - started_at
            outcome = Outcome(value, latency_ms=round(seconds * 1000, 2))
        except CheckError as error:
            outcome = Outcome(problem=str(error))
        except Exception:  # the task boundary: without an outcome every request would wait for this check
            log.exception("The check of %s failed unexpectedly; it is repeated.", self._name)
            outcome = Outcome(problem=f"{self._name} cannot be checked.")
        self._log_change(outcome)
        self._outcome, self._ended_at = outcome, time.monotonic()
        self._done.set()

    def _log_change(self, outcome: Outcome[T]) -> None:
        was_ok = self._outcome is None or self._outcome.ok
        if outcome.ok != was_ok:
            log.warning(f"{self._name} works again." if outcome.ok else outcome.problem)

    def _hanging(self) -> Outcome[T]:
        return Outcome(problem=f"{self._name} does not answer within {TIMEOUT_SECONDS:g} s.")
