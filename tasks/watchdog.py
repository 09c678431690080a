"""Watches a worker process from a thread: touches its heartbeat file while it is healthy, and otherwise shuts it down.

A call that ignores its cancellation, a stalled event loop and a consumer without its queue cannot recover, and both the
warm and the cold shutdown of Celery wait for them. The watchdog therefore stops new messages, lets the other running
steps end and Celery send their successors, and ends the process with REPLACE_EXIT_STATUS; the process manager starts a
new one.
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
from contracts.queues import queue_keys
from contracts.settings import Settings
from tasks.liveness import SAMPLE_SECONDS, Liveness, WorkerCounters, WorkerSample

log = logging.getLogger(__name__)

REPLACE_EXIT_STATUS: Final = 70

NEXT_STEPS_SECONDS: Final = 10.0
"""How long Celery may take to send the successors of the steps that have ended. A successor that is not sent by then
is sent by a bridge when the lease expires."""

STUCK_CALL: Final = "a call has passed its deadline and ignores its cancellation"


class Watchdog:
    """Watches one worker.

    `consumer` is Celery's consumer. `count_stuck` returns how many calls only the end of the process can end. After
    `stop_accepting` no step begins.
    """

    def __init__(
        self,
        settings: Settings,
        consumer: Any,
        counters: WorkerCounters,
        count_stuck: Callable[[], int],
        stop_accepting: Callable[[], object],
        exit_process: Callable[[int], object] = os._exit,
    ) -> None:
        self._heartbeat_file = settings.heartbeat_file
        self._idle_timeout = settings.liveness_timeout_seconds
        self._interval = min(SAMPLE_SECONDS, settings.lease_renew_seconds)
        self._consumer = consumer
        self._counters = counters
        self._count_stuck = count_stuck
        self._stop_accepting = stop_accepting
        self._exit_process = exit_process
        self._queues = [queue.name for queue in consumer.task_consumer.queues]
        keys = [key for name in self._queues for key in queue_keys(settings.redis_prefix, name)]
        self._count_waiting = _queue_counter(settings.broker_url, keys)

    def start(self) -> None:
        """Touch the heartbeat file and start the thread."""
        touch_heartbeat(self._heartbeat_file)
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def _run(self) -> None:
        liveness = Liveness(self._consumer.pool.limit, self._idle_timeout, time.monotonic())
        while not (problem := self._check(liveness)):
            time.sleep(self._interval)
        self._shut_down(problem)

    def _check(self, liveness: Liveness) -> str:
        """Return why the process must be replaced, or touch the heartbeat file and return "".

        When the check itself fails, the file is not touched, so a lasting failure ages the heartbeat.
        """
        try:
            problem = STUCK_CALL if self._count_stuck() else liveness.problem(self._sample(), time.monotonic())
        except Exception:  # the poll loop's boundary: without this thread nothing would replace the process
            log.exception("The watchdog could not check this worker, retrying in %g s.", self._interval)
            return ""
        if not problem:
            touch_heartbeat(self._heartbeat_file)
        return problem

    def _sample(self) -> WorkerSample:
        return WorkerSample(
            loop_iterations=self._consumer.loop_iterations,
            received=self._counters.received,
            running=self._counters.running,
            waiting=self._count_waiting(),
            connecting=self._consumer.connecting,
            shutting_down=is_shutting_down(),
        )

    def _shut_down(self, problem: str) -> None:
        """Stop new work, wait for the running steps, and end the process.

        A step that holds a result runs until PostgreSQL has stored it; the heartbeat is touched meanwhile, so the
        process is not replaced from outside. `stop_accepting` also requeues the retries in Celery's timer: they would
        otherwise become due meanwhile, and the exit would interrupt a paid call.
        """
        for queue in self._queues:
            self._consumer.call_soon(self._consumer.cancel_task_queue, queue)
        self._stop_accepting()
        log.error("This worker accepts no further steps and exits when its running steps have ended: %s.", problem)
        while self._counters.running > self._count_stuck():
            touch_heartbeat(self._heartbeat_file)
            time.sleep(0.1)
        deadline = time.monotonic() + NEXT_STEPS_SECONDS
        while len(state.active_requests) > self._count_stuck() and time.monotonic() < deadline:
            time.sleep(0.1)
        self._exit_process(REPLACE_EXIT_STATUS)


def is_shutting_down() -> bool:
    """Return whether Celery received a shutdown signal. Its flags hold the exit status, which may be 0."""
    return any(flag is not None and flag is not False for flag in (state.should_stop, state.should_terminate))


def _queue_counter(url: str, keys: Sequence[str]) -> Callable[[], int | None]:
    """Return a function that counts the messages in the lists with these keys.

    It returns None when the broker is unavailable or is not a Redis server.
    """
    if not url.startswith(("redis://", "rediss://")):
        return lambda: None
    client: Any = connect_redis(url)

    def count() -> int | None:
        try:
            return sum(int(client.llen(key)) for key in keys)
        except RedisError:
            return None

    return count
