"""Celery's consumer, with its task events sent in company.

Celery sends what it has to tell Flower at every turn of its loop, mostly one or two events at a time: a sixth of the
worker's processor time.
"""

from typing import Any, Final

from celery.worker import consumer

EVENT_FLUSH_SECONDS: Final = 0.1


class Consumer(consumer.Consumer):  # type: ignore[misc]  # Celery carries no types
    """What `worker_consumer` names. Events wait GATHER_SECONDS, or until there are as many as Celery sends in one."""

    loop_iterations = 0
    """Raised by the loop as long as it runs."""

    connecting = False
    """Whether the loop is looking for its broker, for as long as that takes: it has no turns meanwhile."""

    def ensure_connected(self, conn: Any) -> Any:
        """Celery calls this for every connection, and it returns with one that works."""
        self.connecting = True
        try:
            return super().ensure_connected(conn)
        finally:
            self.connecting = False

    def on_send_event_buffered(self) -> None:
        """An event was put to the others."""

    def on_close(self) -> None:
        """The connection was lost: what waits would not go over to the next one."""
        self._flush_events()
        super().on_close()

    def stop(self) -> None:
        """The worker ends; the tasks that still run tell their ends until `shutdown`."""
        self._flush_events()
        super().stop()

    def shutdown(self) -> None:
        """The last moment in which something can be told."""
        self._flush_events()
        super().shutdown()

    def register_with_event_loop(self, hub: Any) -> None:
        """Celery calls this for every new connection, and ends the timer with that connection."""
        super().register_with_event_loop(hub)
        hub.call_repeatedly(EVENT_FLUSH_SECONDS, self._iterate)

    def _iterate(self) -> None:
        self.loop_iterations += 1
        self._flush_events()
