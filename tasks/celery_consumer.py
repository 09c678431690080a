"""Batches the task events that Celery's consumer sends to monitors such as Flower.

Celery sends task events in every iteration of its event loop, usually one or two at a time, which took a sixth of the
worker's CPU time.
"""

from typing import Any, Final

from celery.worker import consumer

EVENT_FLUSH_SECONDS: Final = 0.1


class Consumer(consumer.Consumer):  # type: ignore[misc]  # Celery has no type hints
    """The consumer named by `worker_consumer`. It buffers task events for EVENT_FLUSH_SECONDS, or until Celery's buffer
    is full."""

    loop_iterations = 0
    """Counts the runs of a timer in Celery's event loop; the watchdog uses it to detect a stalled loop."""

    connecting = False
    """Whether the loop is waiting for a broker connection; `loop_iterations` does not change meanwhile."""

    def ensure_connected(self, conn: Any) -> Any:
        """Return a working connection. Celery calls this for every connection and retries inside it."""
        self.connecting = True
        try:
            return super().ensure_connected(conn)
        finally:
            self.connecting = False

    def on_send_event_buffered(self) -> None:
        """Keep the event in the buffer: Celery would flush it in the next iteration of the loop."""

    def on_close(self) -> None:
        """Flush the buffer when the connection is lost: buffered events do not move to the next connection."""
        self._flush_events()
        super().on_close()

    def stop(self) -> None:
        """Flush the buffer when the worker stops; running tasks send their events until `shutdown`."""
        self._flush_events()
        super().stop()

    def shutdown(self) -> None:
        """Flush the buffer a last time, before the connection closes."""
        self._flush_events()
        super().shutdown()

    def register_with_event_loop(self, hub: Any) -> None:
        """Start the flush timer. Celery calls this for every new connection and drops the timer with the connection."""
        super().register_with_event_loop(hub)
        hub.call_repeatedly(EVENT_FLUSH_SECONDS, self._iterate)

    def _iterate(self) -> None:
        self.loop_iterations += 1
        self._flush_events()
