"""Runs coroutines of many threads in one event loop, and stops a coroutine whose call was cancelled.

The clients of model services are bound to the event loop of their first request, so a loop per thread would need
clients per thread. The loop's thread starts with the first call, because a thread does not survive a fork.
"""

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from agents.errors import Cancelled, ServiceError

T = TypeVar("T")

POLL_SECONDS: Final = 0.2
"""How often a waiting thread checks whether its call was cancelled."""

GRACE_SECONDS: Final = 2.0
"""How long a coroutine may exceed its deadline, which it observes itself, before the waiting thread gives it up."""


class EventLoopThread:
    """An event loop in a daemon thread of its own. Thread-safe. A forked process gets a new one at its first call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pid = 0

    def run(
        self, make: Callable[[], Coroutine[Any, Any, T]], *, deadline_seconds: float, cancelled: threading.Event
    ) -> T:
        """Run the coroutine that `make` returns in the event loop, and return its result or raise its error.

        Raises Cancelled within a second after `cancelled` was set; the coroutine is cancelled too, which closes its
        connection. Raises ServiceError when the coroutine, against its promise, exceeds the deadline.
        """
        future = asyncio.run_coroutine_threadsafe(make(), self._running_loop())
        polls = int((deadline_seconds + GRACE_SECONDS) / POLL_SECONDS) + 1
        try:
            for _ in range(polls):
                done, _ = concurrent.futures.wait([future], timeout=POLL_SECONDS)
                if done:
                    return future.result()
                if cancelled.is_set():
                    raise Cancelled("the call was cancelled while the model was answering")
        finally:
            future.cancel()  # no effect on one that is done
        raise ServiceError(f"the model did not answer within {deadline_seconds:g} s", "outage")

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid():
                self._loop, self._pid = asyncio.new_event_loop(), os.getpid()
                self._thread = threading.Thread(target=self._loop.run_forever, name="models", daemon=True)
                self._thread.start()
            return self._loop

    def stop(self) -> None:
        """End the thread and close the loop, if there is one. A later call starts another one."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
