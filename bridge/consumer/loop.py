"""The bridge's loop: from Kafka records to Celery chains, in one thread.

Each run of the loop

1. collects wake-ups from Redis, and polls the source, which adds records to the lanes;
2. divides among the lanes how many thoughts may be in flight, which follows from the slots of the workers;
3. for each lane, accepts or dead-letters records that have no thought, and asks PostgreSQL about the users that are due
   (Decide), which dispatches heads;
4. sends the chains of all dispatched heads to Celery in one batch;
5. lets the source commit the frontiers.

The lanes decide (`lane.py`); the loop only carries out what they return and reports the outcome. Every wait is bounded.
An error of PostgreSQL or Redis is logged and the work is repeated later; an error of Kafka that librdkafka cannot
recover from ends the process, which starts again.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, Self

from kombu.exceptions import KombuError
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from bridge.consumer.decide import decide
from bridge.consumer.dispatch import Dispatcher
from bridge.consumer.in_flight_limit import fair_shares
from bridge.consumer.ingest import Ingestion
from bridge.consumer.lane import Lane
from bridge.consumer.protocol import Head
from bridge.consumer.source import Source
from bridge.consumer.wakeups import WakeupListener
from bridge.consumer.worker_slots import WorkerSlots
from contracts.database import Database, database_trouble
from contracts.events import thought_processing
from contracts.heartbeat import Heartbeat
from contracts.presence import Presence
from contracts.progress import ProgressPublisher, connect_redis
from contracts.refusals import redis_trouble
from contracts.settings import Settings
from contracts.trouble_log import log_trouble

log = logging.getLogger(__name__)

BUSY_POLL_SECONDS: Final = 0.005
"""How long a run waits for records while offsets are open, and so how long a wake-up may wait."""

IDLE_POLL_SECONDS: Final = 0.2
"""How long a run waits for records while no offset is open."""

USERS_PER_REQUEST: Final = 200
"""Users in one Decide statement."""

DISPATCH_RETRY_SECONDS: Final = 0.5
"""Delay before chains are sent again after an error of Redis."""


class Slots(Protocol):
    """Knows how many thoughts may be in flight."""

    def start(self) -> None:
        """Start to learn of the workers."""

    def stop(self) -> None:
        """Stop."""

    def limit(self, users: int) -> int:
        """Return how many thoughts may be in flight in a bridge that holds this many users."""

    def note_dispatch(self, *, is_sent: bool) -> None:
        """Note whether the last chains were sent."""


@dataclass(frozen=True, slots=True)
class RedisPorts:
    """What the bridge uses Redis for."""

    publisher: ProgressPublisher
    """Publishes progress events to the web."""
    dispatcher: Dispatcher
    """Sends chains to the workers."""
    wakeups: WakeupListener
    """Receives hints from the workers that a user's thought has finished."""
    slots: Slots
    """Knows how many thoughts may be in flight."""

    @classmethod
    def of(cls, settings: Settings, installation_id: str = "") -> Self:
        """Return the ports for the Redis of the settings. They connect at the first use."""
        client, prefix = connect_redis(settings.redis_url), settings.redis_prefix
        return cls(
            ProgressPublisher(client, prefix),
            Dispatcher(settings, installation_id),
            WakeupListener(settings.redis_url, prefix),
            WorkerSlots(Presence(client, prefix), settings.lease_seconds),
        )


class Bridge:
    """Drives the lanes of one source: Kafka's partitions, or the batch."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        source: Source,
        clock: Callable[[], float] = time.monotonic,
        redis_ports: RedisPorts | None = None,
    ) -> None:
        redis_ports = redis_ports or RedisPorts.of(settings)
        self._settings = settings
        self._database = database
        self._source = source
        self._clock = clock
        self._publisher = redis_ports.publisher
        self._dispatcher = redis_ports.dispatcher
        self._ingestion = Ingestion(database, self._publisher, settings, clock)
        self._wakeups = redis_ports.wakeups
        self._slots = redis_ports.slots
        self._next_dispatch_at = 0.0
        self._heartbeat = Heartbeat(settings.heartbeat_file, clock)

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set, then commit and leave the consumer group.

        Raises LogReplacedError or KafkaException when the process must start again.
        """
        self._wakeups.start()
        self._slots.start()
        try:
            while not stop.is_set():
                self.run_once(stop.is_set)
        finally:
            self._slots.stop()
            self._wakeups.stop()
            self._source.close()

    def run_once(self, should_stop: Callable[[], bool] = lambda: False) -> None:
        """Run the loop once.

        After a request to stop, no further statement is sent to PostgreSQL: while it is unavailable each one takes
        seconds, and those of all lanes together would take longer than the process is given to stop.
        """
        woken_users = self._wakeups.drain()
        lanes = list(self._source.lanes())
        in_flight = any(not lane.is_idle for lane in lanes)
        self._source.poll(BUSY_POLL_SECONDS if in_flight else IDLE_POLL_SECONDS)
        now = self._clock()
        self._set_limits()
        for lane in self._source.lanes():
            for user in woken_users:
                lane.wake(user, now)
            if not should_stop():
                self._ingestion.work(lane, now)
            if not should_stop():
                self._decide(lane)
            self._heartbeat.touch()
        self._dispatch()
        self._source.commit(self._clock())
        self._heartbeat.touch()

    def _set_limits(self) -> None:
        lanes = list(self._source.lanes())
        users = [lane.user_count for lane in lanes]
        for lane, limit in zip(lanes, fair_shares(self._slots.limit(sum(users)), users), strict=True):
            lane.set_limit(limit)

    def _decide(self, lane: Lane) -> None:
        """Decide about the users that are due. A failed statement fails all requests that have no answer yet."""
        requests = lane.due_requests(self._clock())
        try:
            for first in range(0, len(requests), USERS_PER_REQUEST):
                for decision in decide(self._database, requests[first : first + USERS_PER_REQUEST]):
                    lane.decided(decision, self._clock())
                    self._publish_started(decision.head)
        except SQLAlchemyError as error:
            log_trouble(log, database_trouble(error), "Decide is repeated")
            lane.decide_failed(self._clock())

    def _publish_started(self, head: Head | None) -> None:
        if head is not None and head.begins:
            self._publisher.publish(thought_processing(head.user_id, head.thought_id, head.turn))

    def _dispatch(self) -> None:
        """Send all chains in one batch. After an error all of them are sent again, with the same task ids."""
        if self._clock() < self._next_dispatch_at:
            return
        unsent = [(lane, head) for lane in self._source.lanes() for head in lane.heads_to_dispatch()]
        if not unsent:
            return
        try:
            self._dispatcher.send([head for _, head in unsent])
        except (KombuError, RedisError, OSError) as error:
            log_trouble(log, redis_trouble(error), f"{len(unsent)} chains are sent again")
            self._next_dispatch_at = self._clock() + DISPATCH_RETRY_SECONDS
            self._slots.note_dispatch(is_sent=False)
            return
        self._slots.note_dispatch(is_sent=True)
        for lane, head in unsent:
            lane.dispatched(head, self._clock())
