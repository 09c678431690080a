"""Tracks the agent calls in progress in this process, and renews their leases from one background thread.

The thread renews every call once per LEASE_RENEW_SECONDS until its deadline, and cancels a call that is fenced or
overdue. Python cannot stop a thread from outside, so a call that ignores its cancellation is stuck, and the watchdog
replaces the process that runs it.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from contracts.database import describe_error

log = logging.getLogger(__name__)

STUCK_AFTER_RENEWALS: Final = 3.0
"""Renewal intervals that a call may exceed its deadline before it counts as stuck: 15 s with the default of 5 s."""

Renew = Callable[[dict[UUID, UUID]], dict[UUID, bool]]
"""Takes call id -> thought id. Returns, for each call that is not fenced, whether its beat was raised."""

Clock = Callable[[], float]
Body = Callable[[], None]


def start_thread(body: Body) -> None:
    """Run `body` in a daemon thread. Raises RuntimeError when the system cannot start a thread."""
    threading.Thread(target=body, name="renewal", daemon=True).start()


@dataclass(eq=False)
class Call:
    """One execution of an agent. All times are seconds of this process's monotonic clock."""

    call_id: UUID
    thought_id: UUID
    claimed_at: float
    """When the claim was sent."""
    renewed_at: float
    """When the last statement that raised the beat was sent: the claim, or a renewal. The beat is never older."""
    deadline: float = math.inf
    """Set when the agent starts; until then the call cannot be overdue."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    fenced: bool = False
    has_returned: bool = False
    """The agent has returned or raised, and the outcome is being written: the call is renewed beyond its deadline and
    is never stuck."""

    def is_overdue(self, now: float) -> bool:
        """Return whether the agent has reached its deadline without a result."""
        return not self.has_returned and now >= self.deadline

    def is_stuck(self, now: float, renew_seconds: float) -> bool:
        """Return whether the agent has ignored its cancellation for STUCK_AFTER_RENEWALS renewal intervals."""
        return not self.has_returned and now >= self.deadline + STUCK_AFTER_RENEWALS * renew_seconds


class Calls:
    """The registry of calls in progress. Thread-safe; the renewal thread starts with the first call."""

    def __init__(
        self,
        renew: Renew,
        renew_seconds: float,
        clock: Clock = time.monotonic,
        *,
        sleep: Callable[[float], None] = time.sleep,
        start: Callable[[Body], None] = start_thread,
        after_renewal: Callable[[], None] = lambda: None,
    ) -> None:
        self._renew = renew
        self._renew_seconds = renew_seconds
        self._clock = clock
        self._sleep = sleep
        self._start = start
        self._after_renewal = after_renewal
        self._calls: dict[UUID, Call] = {}
        self._lock = threading.Lock()
        self._is_started = False

    def add(self, call: Call) -> None:
        """Renew this call from now on. Raises RuntimeError, without adding it, when no thread can be started."""
        with self._lock:
            if not self._is_started:
                self._start(self._run)
                self._is_started = True
            self._calls[call.call_id] = call

    def remove(self, call: Call) -> None:
        """Stop renewing this call. Removing it twice is harmless."""
        with self._lock:
            self._calls.pop(call.call_id, None)

    @contextmanager
    def renewed(self, call: Call) -> Iterator[Call]:
        """Renew this call inside a `with` statement."""
        self.add(call)
        try:
            yield call
        finally:
            self.remove(call)

    def renew_now(self, call: Call, renew: Renew) -> bool:
        """Renew one call whose beat is too old to start its agent; return whether the beat was raised.

        Runs in the calling thread, over that thread's own connection. Raises SQLAlchemyError.
        """
        sent_at = self._clock()
        _renew([call], renew, sent_at)
        return call.renewed_at == sent_at

    def stuck(self) -> list[Call]:
        """Return the calls that only the end of the process can end."""
        now = self._clock()
        with self._lock:
            return [call for call in self._calls.values() if call.is_stuck(now, self._renew_seconds)]

    def renew_all(self) -> None:
        """Cancel overdue calls and renew the others in one statement. Raises SQLAlchemyError."""
        now = self._clock()
        with self._lock:
            calls = list(self._calls.values())
        for call in calls:
            if call.is_overdue(now):
                call.cancelled.set()
        due = [call for call in calls if not call.fenced and not call.is_overdue(now)]
        if due:
            _renew(due, self._renew, now)

    def _run(self) -> None:
        while True:
            self._sleep(self._renew_seconds)
            self._attempt(self.renew_all)
            self._attempt(self._after_renewal)

    def _attempt(self, renew: Callable[[], None]) -> None:
        try:
            renew()
        except Exception as error:  # noqa: BLE001  without this loop every lease of this process would expire
            log.warning(
                "The calls in progress could not be renewed, retrying in %g s: %s",
                self._renew_seconds,
                describe_error(error),
            )


def _renew(calls: list[Call], renew: Renew, sent_at: float) -> None:
    alive = renew({call.call_id: call.thought_id for call in calls})
    for call in calls:
        if call.call_id not in alive:
            call.fenced = True
            call.cancelled.set()
        elif alive[call.call_id]:
            call.renewed_at = sent_at
