"""The thread that watches over a worker process, touches its heartbeat file while it is well, and ends it otherwise.

A thread that ignores its cancellation, a loop that stands still and a consumer without its queue are lost for good, and
Celery's warm and cold shutdowns both wait for them. So the process takes no new messages, lets its other steps end,
until Celery has sent their successors on, and leaves with `REPLACED_EXIT`; its manager starts a new one.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from celery.worker import state
from redis.exceptions import RedisError

from contracts.heartbeat import touch_heartbeat
from contracts.progress import connect_redis
from contracts.settings import Settings
from tasks.liveness import SAMPLE_SECONDS, Liveness, WorkerCounters, WorkerSample

log = logging.getLogger(__name__)

REPLACE_EXIT_STATUS: Final = 70

NEXT_STEPS_SECONDS: Final = 10.0
"""How long Celery may take to send on the successors of the steps that have ended; silence would bring them back."""

STUCK_CALL: Final = "a call overstays its deadline for good"


class Watchdog:
    """Watches one worker. `consumer` is Celery's; `wedged` counts the calls that nothing but the process's end ends;
    after `close` no step begins."""

    def __init__(
        self,
        settings: Settings,
        consumer: Any,
        counters: WorkerCounters,
        count_stuck: Callable[[], int],
        stop_accepting: Callable[[], object],
        exit_process: Callable[[int], object] = os._exit,
    ) -> None:
        self._file = settings.heartbeat_file
        self._idle_timeout = settings.liveness_timeout_seconds
        self._interval = min(SAMPLE_SECONDS, settings.lease_renew_seconds)
        self._consumer = consumer
        self._signs = counters
        self._wedged = count_stuck
        self._close = stop_accepting
        self._leave = exit_process
        self._queues = [queue.name for queue in consumer.task_consumer.queues]
        self._waiting = _queue_counter(settings.broker_url, self._queues)

    def start(self) -> None:
        """Begin to watch."""
        touch_heartbeat(self._file)
        threading.Thread(target=self._run, name="guard", daemon=True).start()

    def _run(self) -> None:
        health = Liveness(self._consumer.pool.limit, self._idle_timeout, time.monotonic())
        while not (trouble := self._trouble(health)):
            time.sleep(self._interval)
        self._shut_down(trouble)

    def _trouble(self, health: Liveness) -> str:
        """Why the process has to be replaced; without a reason it has shown life. A fault in here shows none."""
        try:
            trouble = STUCK_CALL if self._wedged() else health.problem(self._sample(), time.monotonic())
        except Exception:  # the poll loop's boundary: without this thread nobody would replace the process
            log.exception("This worker could not look after itself.")
            return ""
        if not trouble:
            touch_heartbeat(self._file)
        return trouble

    def _sample(self) -> WorkerSample:
        return WorkerSample(
            loop_iterations=self._consumer.loop_iterations,
            received=self._signs.received,
            running=self._signs.running,
            waiting=self._waiting(),
            connecting=self._consumer.connecting,
            shutting_down=is_shutting_down(),
        )

    def _shut_down(self, trouble: str) -> None:
        """Steps that hold a result stay until PostgreSQL has it, and nobody ends a process that shows life.

        Retries that wait in Celery's timer come due meanwhile, and would be ended in their paid call.
        """
        for queue in self._queues:
            self._consumer.call_soon(self._consumer.cancel_task_queue, queue)
        self._close()
        log.error("This process takes no new work and will be replaced: %s.", trouble)
        while self._signs.running > self._wedged():
            touch_heartbeat(self._file)
            time.sleep(0.1)
        until = time.monotonic() + NEXT_STEPS_SECONDS
        while len(state.active_requests) > self._wedged() and time.monotonic() < until:
            time.sleep(0.1)
        self._leave(REPLACE_EXIT_STATUS)


def is_shutting_down() -> bool:
    """Whether Celery has heard SIGTERM or the like. It keeps the exit status there, which may be 0."""
    return any(flag is not None and flag is not False for flag in (state.should_stop, state.should_terminate))


def _queue_counter(url: str, queues: Sequence[str]) -> Callable[[], int | None]:
    """Counts the messages in the queues; None when the broker is unavailable or is not a Redis."""
    if not url.startswith(("redis://", "rediss://")):
        return lambda: None
    client: Any = connect_redis(url)

    def count() -> int | None:
        try:
            return sum(int(client.llen(queue)) for queue in queues)
        except RedisError:
            return None

    return count
