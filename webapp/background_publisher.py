"""Publishes to Redis from a background thread, so that a slow Redis never delays a request."""

import logging
import queue
import threading
from collections.abc import Callable
from functools import partial
from uuid import UUID

from contracts.events import Event
from contracts.progress import ProgressPublisher

log = logging.getLogger(__name__)

QUEUE_SIZE = 1000
"""Calls that may wait. Further ones are dropped, because every stream also derives its events from PostgreSQL."""

CLOSE_TIMEOUT_SECONDS = 1.0


class BackgroundPublisher:
    """A bounded queue of calls to Redis, and one thread that makes them in order."""

    def __init__(self, publisher: ProgressPublisher) -> None:
        self._publisher = publisher
        self._calls: queue.Queue[Callable[[], None] | None] = queue.Queue(QUEUE_SIZE)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def publish(self, event: Event, *, terminal: bool = False) -> None:
        """Queue the event for publication and return at once. `terminal` also wakes the bridges."""
        call = partial(self._publisher.publish, event, terminal=terminal)
        self._enqueue(call, f"{event.event_type} is not shown live", thought_id=event.thought_id)

    def delete_history(self, user_id: UUID) -> None:
        """Queue the deletion of the user's event history in Redis and return at once."""
        call = partial(self._publisher.delete_history, user_id)
        self._enqueue(call, "the user's event history stays until it expires", user_id=user_id)

    def close(self) -> None:
        """Let the thread finish the queue, waiting at most CLOSE_TIMEOUT_SECONDS."""
        if self._thread is not None:
            try:
                self._calls.put_nowait(None)
            except queue.Full:
                log.warning("Stopped while %s calls to Redis were still waiting", QUEUE_SIZE)
            self._thread.join(CLOSE_TIMEOUT_SECONDS)

    def _enqueue(self, call: Callable[[], None], consequence: str, **ids: UUID) -> None:
        self._start()
        try:
            self._calls.put_nowait(call)
        except queue.Full:
            log.warning("Redis is too slow and the queue of calls is full: %s", consequence, extra=ids)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="background-publisher", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                call()
            except Exception:  # the thread must survive; streams derive what was not published from PostgreSQL
                log.exception("A call to Redis failed and is dropped; the streams derive missed events from PostgreSQL")
