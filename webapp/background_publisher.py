"""Tells Redis what a request did behind the request's back, so that a Redis that hangs slows nobody's acceptance."""

import logging
import queue
import threading
from collections.abc import Callable
from functools import partial
from uuid import UUID

from contracts.events import ThoughtCreated
from contracts.progress import ProgressPublisher

log = logging.getLogger(__name__)

QUEUE_SIZE = 1000
"""Calls that may wait; what comes on top is dropped, since every stream derives it from PostgreSQL anyway."""

CLOSE_TIMEOUT_SECONDS = 1.0


class BackgroundPublisher:
    """A bounded queue and one thread that empties it in order."""

    def __init__(self, publisher: ProgressPublisher) -> None:
        self._publisher = publisher
        self._calls: queue.Queue[Callable[[], None] | None] = queue.Queue(QUEUE_SIZE)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def publish(self, event: ThoughtCreated) -> None:
        """Have the event published soon; never waits."""
        self._enqueue(
            partial(self._publisher.publish, event), f"thought_created of {event.thought_id} was not shown live"
        )

    def delete_history(self, user_id: UUID) -> None:
        """Have the user's kept events dropped soon; never waits."""
        self._enqueue(partial(self._publisher.delete_history, user_id), f"the events of {user_id} are kept for a while")

    def close(self) -> None:
        """Let the thread publish what waits, and wait a moment for that."""
        if self._thread is not None:
            try:
                self._calls.put_nowait(None)
            except queue.Full:
                log.warning("stopped with %s calls to Redis undone", QUEUE_SIZE)
            self._thread.join(CLOSE_TIMEOUT_SECONDS)

    def _enqueue(self, call: Callable[[], None], otherwise: str) -> None:
        self._start()
        try:
            self._calls.put_nowait(call)
        except queue.Full:
            log.warning("Redis is too slow, %s", otherwise)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                call()
            except Exception:  # the loop must go on; the streams derive what was not announced
                log.exception("Redis was not told of a request's doing")
