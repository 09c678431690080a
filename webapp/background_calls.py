"""Makes calls to a server in a background thread, so that no request waits for them."""

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

QUEUE_SIZE = 1000
"""Calls that may wait. Further ones are dropped, with a line in the log that says what is lost."""

CLOSE_TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Call:
    make: Callable[[], None]
    if_lost: str
    ids: dict[str, object] = field(default_factory=dict)


class BackgroundCalls:
    """A bounded queue of calls to one server, and one thread that makes them in order."""

    def __init__(self, server: str, *, close_seconds: float = CLOSE_TIMEOUT_SECONDS) -> None:
        self._server = server
        self._close_seconds = close_seconds
        self._calls: queue.Queue[_Call | None] = queue.Queue(QUEUE_SIZE)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def add(self, make: Callable[[], None], if_lost: str, **ids: object) -> None:
        """Queue a call and return at once. `if_lost` says for the log what is missing when it cannot be made."""
        self._start()
        try:
            self._calls.put_nowait(_Call(make, if_lost, ids))
        except queue.Full:
            log.warning("%s is too slow and the queue of calls is full: %s", self._server, if_lost, extra=ids)

    def close(self) -> None:
        """Let the thread finish the queue, waiting at most `close_seconds`."""
        if self._thread is not None:
            try:
                self._calls.put_nowait(None)
            except queue.Full:
                log.warning("Stopped while %s calls to %s were still waiting", QUEUE_SIZE, self._server)
            self._thread.join(self._close_seconds)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                name = f"background calls to {self._server}"
                self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                call.make()
            except Exception:  # the thread must survive
                log.exception("A call to %s failed and is dropped: %s", self._server, call.if_lost, extra=call.ids)
