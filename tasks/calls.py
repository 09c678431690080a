"""The calls in progress in this process, and the thread that raises their beats.

A call is renewed every LEASE_RENEW_SECONDS until its deadline; a call that is fenced or overdue is cancelled.
A thread cannot be ended from outside, so a call that ignores its cancellation for long is wedged, and the process
that holds it must be replaced.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

log = logging.getLogger(__name__)

STUCK_AFTER_RENEWALS: Final = 3.0
"""Renewals a call may overstay its deadline before it counts as wedged: 15 s with the usual 5 s."""

Renew = Callable[[dict[UUID, UUID]], dict[UUID, bool]]
"""Call id -> thought id in; out, of each call that is not fenced, whether its beat was raised."""

Clock = Callable[[], float]
Body = Callable[[], None]


def start_thread(body: Body) -> None:
    """Run the renewals beside everything else. Raises RuntimeError when no thread can be started."""
    threading.Thread(target=body, name="renewal", daemon=True).start()


@dataclass(eq=False)
class Call:
    """One execution of an agent. Times are of this process's monotonic clock.

    `claimed` is when the claim was sent; `sent` is when the claim, or the last renewal that was answered, was sent:
    the beat is no older than that. The deadline is set when the agent is started: until then nothing is late.
    """

    call_id: UUID
    thought_id: UUID
    claimed: float
    renewed: float
    deadline: float = math.inf
    cancelled: threading.Event = field(default_factory=threading.Event)
    fenced: bool = False
    has_result: bool = False
    """The result is there and being saved: it is renewed beyond the deadline, and nothing can be wedged any more."""

    def is_overdue(self, now: float) -> bool:
        """Whether the agent has had all its time."""
        return not self.has_result and now >= self.deadline

    def is_stuck(self, now: float, renew_seconds: float) -> bool:
        """Whether the agent ignores that its time is over."""
        return not self.has_result and now >= self.deadline + STUCK_AFTER_RENEWALS * renew_seconds


class Calls:
    """The registry, safe for all threads of the process. The thread starts with the first call."""

    def __init__(
        self,
        renew: Renew,
        renew_seconds: float,
        clock: Clock = time.monotonic,
        *,
        sleep: Callable[[float], None] = time.sleep,
        start: Callable[[Body], None] = start_thread,
    ) -> None:
        self._renew = renew
        self._renew_seconds = renew_seconds
        self._clock = clock
        self._sleep = sleep
        self._start = start
        self._calls: dict[UUID, Call] = {}
        self._lock = threading.Lock()
        self._is_started = False

    def add(self, call: Call) -> None:
        """Renew this call from now on. Raises RuntimeError, and keeps nothing, when no thread can be started."""
        with self._lock:
            if not self._is_started:
                self._start(self._run)
                self._is_started = True
            self._calls[call.call_id] = call

    def remove(self, call: Call) -> None:
        """The call has ended, however."""
        with self._lock:
            self._calls.pop(call.call_id, None)

    def renew_now(self, call: Call, renew: Renew) -> bool:
        """One renewal for a call that may not start because its beat is too old, by its own thread's connection.

        Whether its beat was raised. Raises SQLAlchemyError.
        """
        sent = self._clock()
        _renew([call], renew, sent)
        return call.renewed == sent

    def stuck(self) -> list[Call]:
        """The calls that nothing but the end of the process will end."""
        now = self._clock()
        with self._lock:
            return [call for call in self._calls.values() if call.is_stuck(now, self._renew_seconds)]

    def renew_all(self) -> None:
        """Cancel what is overdue and renew the rest."""
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
            try:
                self.renew_all()
            except Exception as away:  # noqa: BLE001  a loop that ends would make every call of this process look dead
                log.warning("The calls in progress could not be renewed, trying again: %s", type(away).__name__)


def _renew(calls: list[Call], renew: Renew, sent: float) -> None:
    alive = renew({call.call_id: call.thought_id for call in calls})
    for call in calls:
        if call.call_id not in alive:
            call.fenced = True
            call.cancelled.set()
        elif alive[call.call_id]:
            call.renewed = sent
