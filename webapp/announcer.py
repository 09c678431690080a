"""Publishes `thought_created` behind the back of the POST, so that a Redis that hangs slows nobody's acceptance."""

import logging
import queue
import threading

from contracts.events import ThoughtCreated
from contracts.progress import Publisher

log = logging.getLogger(__name__)

WAITING = 1000
"""Events that may wait; what comes on top is dropped, since every stream derives it from PostgreSQL anyway."""

CLOSE_SECONDS = 1.0


class Announcer:
    """A bounded queue and one thread that empties it in order."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._events: queue.Queue[ThoughtCreated | None] = queue.Queue(WAITING)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def announce(self, event: ThoughtCreated) -> None:
        """Have the event published soon; never waits."""
        self._start()
        try:
            self._events.put_nowait(event)
        except queue.Full:
            log.warning("Redis is too slow, thought_created of %s was not shown live", event.thought_id)

    def close(self) -> None:
        """Let the thread publish what waits, and wait a moment for that."""
        if self._thread is not None:
            try:
                self._events.put_nowait(None)
            except queue.Full:
                log.warning("stopped with %s events unpublished", WAITING)
            self._thread.join(CLOSE_SECONDS)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._publish_all, name="announcer", daemon=True)
                self._thread.start()

    def _publish_all(self) -> None:
        while (event := self._events.get()) is not None:
            try:
                self._publisher.publish(event)
            except Exception:  # the loop must go on; the streams derive what was not announced
                log.exception("thought_created of %s was not announced", event.thought_id)
