"""Celery's consumer: it batches task events, drops what is no task of ours, and waits while the broker refuses a right.

Celery sends task events in every iteration of its event loop, usually one or two at a time, which took a sixth of the
worker's CPU time.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from celery.worker import consumer
from celery.worker.state import maybe_shutdown

from contracts.refusals import is_redis_refusal, redis_trouble
from contracts.trouble_log import log_trouble
from tasks.broker.items import RefusedItemError
from tasks.broker.task_messages import check_task_message

log = logging.getLogger(__name__)

EVENT_FLUSH_SECONDS: Final = 0.1

REFUSED_SECONDS: Final = 5.0
"""How long a worker waits before it connects again to a broker that has refused it a right."""


class Consumer(consumer.Consumer):  # type: ignore[misc]  # Celery has no type hints
    """The consumer named by `worker_consumer`. It buffers task events for EVENT_FLUSH_SECONDS, or until Celery's buffer
    is full."""

    loop_iterations = 0
    """Counts the runs of a timer in Celery's event loop; the watchdog uses it to detect a stalled loop."""

    connecting = False
    """Whether the loop is waiting for the broker, or the broker refuses to hand out messages; the watchdog does not
    expect progress meanwhile."""

    def ensure_connected(self, conn: Any) -> Any:
        """Return a working connection. Celery calls this for every connection and retries inside it."""
        self.connecting = True
        try:
            while True:
                try:
                    return conn.ensure_connection(self._on_connection_failure, callback=maybe_shutdown)
                except Exception as error:
                    if not is_redis_refusal(error):
                        raise
                    self._wait_for_right(error)
        finally:
            self.connecting = False
            self.first_connection_attempt = False

    def _on_connection_failure(self, error: Exception, interval: float) -> None:
        log_trouble(log, redis_trouble(error), f"this worker connects again in {interval:g} s")

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """Log an error of a new connection, and wait when it is a refusal, which the next attempt would only repeat."""
        log_trouble(log, redis_trouble(exc), "this worker connects again")
        self._wait_after(exc)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Close the connection, and wait when the error is a refusal."""
        with _silenced(logging.getLogger(consumer.Consumer.__module__)) if is_redis_refusal(exc) else _unchanged():
            super().on_connection_error_after_connected(exc)
        self._wait_after(exc)

    def _wait_after(self, error: Exception) -> None:
        if is_redis_refusal(error):
            self._wait_for_right(error)

    def _wait_for_right(self, error: Exception) -> None:
        """Wait REFUSED_SECONDS, or until the worker must stop: `maybe_shutdown` raises then."""
        log_trouble(log, redis_trouble(error), "this worker waits")
        self.connecting = True
        try:
            until = time.monotonic() + REFUSED_SECONDS
            while time.monotonic() < until:
                maybe_shutdown()
                time.sleep(EVENT_FLUSH_SECONDS)
        finally:
            self.connecting = False

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        """Return the function that handles a received message: it drops what is no task of this application.

        Celery would end the worker, keep the message for ever, or log its content.
        """
        handle = super().create_task_handler(*args, **kwargs)
        tasks = frozenset(name for name in self.app.tasks if not name.startswith("celery."))
        queues = frozenset(self.app.amqp.queues)
        broker_errors = tuple({*self.connection_errors, *self.channel_errors} - {KeyError})

        def on_message(message: Any) -> None:
            try:
                check_task_message(message.headers, message.body, tasks=tasks, queues=queues)
                handle(message)
            except RefusedItemError as error:
                self._drop(message, error)
            except broker_errors:
                raise
            except Exception as error:  # noqa: BLE001  the boundary of one message, which would end the event loop
                self._drop(message, RefusedItemError("unexpected", type(error).__name__))

        return on_message

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Drop a message whose body cannot be decoded, without logging its content."""
        self._drop(message, RefusedItemError("not_a_message", type(exc).__name__))

    def _drop(self, message: Any, error: RefusedItemError) -> None:
        body = message.body or b""
        source = str((message.delivery_info or {}).get("routing_key"))
        report = self.app.conf.broker_transport_options.get("on_dropped")
        if report is not None:
            report(source, body if isinstance(body, bytes) else str(body).encode(), error)
        if not message.acknowledged:
            message.reject_log_error(log, self.connection_errors)

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
        self.connecting = getattr(self.task_consumer.channel, "is_paused", False)
        self._flush_events()


@contextmanager
def _unchanged() -> Iterator[None]:
    yield


@contextmanager
def _silenced(logger: logging.Logger) -> Iterator[None]:
    """Log nothing here: Celery would log each attempt, and the refusal is logged in full elsewhere."""

    def drop(_: logging.LogRecord) -> bool:
        return False

    logger.addFilter(drop)
    try:
        yield
    finally:
        logger.removeFilter(drop)
