"""The bridge: from doorbells to chains. One loop, one thread; every wait in it is bounded."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from kombu.exceptions import KombuError
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from bridge.consumer.decide import decide
from bridge.consumer.dispatch import Dispatcher
from bridge.consumer.ingest import Ingestion
from bridge.consumer.lane import Lane
from bridge.consumer.protocol import Head
from bridge.consumer.source import Source
from bridge.consumer.wakeups import WakeupListener
from contracts.database import Database, describe_error
from contracts.events import thought_processing
from contracts.heartbeat import touch_heartbeat
from contracts.progress import ProgressPublisher, connect_redis
from contracts.settings import Settings

log = logging.getLogger(__name__)

BUSY_POLL_SECONDS: Final = 0.005
"""How long news of an ended thought may wait while something is in flight."""

IDLE_POLL_SECONDS: Final = 0.2
USERS_PER_REQUEST: Final = 200
DISPATCH_RETRY_SECONDS: Final = 0.5
HEARTBEAT_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class RedisPorts:
    """Redis as a bridge needs it: events go to browsers, chains to workers, and news of ended thoughts come back."""

    publisher: ProgressPublisher
    dispatcher: Dispatcher
    wakeups: WakeupListener

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The one of the settings; it connects when it is first used."""
        publisher = ProgressPublisher(connect_redis(settings.redis_url), settings.redis_sse_prefix)
        return cls(publisher, Dispatcher(settings), WakeupListener(settings.redis_url, settings.redis_sse_prefix))


class Bridge:
    """Drives the lanes of one source."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        source: Source,
        clock: Callable[[], float] = time.monotonic,
        broker: RedisPorts | None = None,
    ) -> None:
        broker = broker or RedisPorts.of(settings)
        self._settings = settings
        self._database = database
        self._source = source
        self._clock = clock
        self._publisher = broker.publisher
        self._dispatcher = broker.dispatcher
        self._ingestion = Ingestion(database, self._publisher, settings, clock)
        self._wakeups = broker.wakeups
        self._send_at = 0.0
        self._life_shown_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then commit and leave. Raises what librdkafka cannot mend."""
        self._wakeups.start()
        try:
            while not stop.is_set():
                self.run_once(stop.is_set)
        finally:
            self._wakeups.stop()
            self._source.close()

    def run_once(self, should_stop: Callable[[], bool] = lambda: False) -> None:
        """One round: hear, read, ask, send, settle. Who is told to end asks PostgreSQL nothing more: while it is silent
        each question takes seconds, and all lanes' together would outlast the time that is given to end."""
        heard = self._wakeups.drain()
        lanes = list(self._source.lanes())
        in_flight = any(not lane.is_idle for lane in lanes)
        self._source.poll(BUSY_POLL_SECONDS if in_flight else IDLE_POLL_SECONDS)
        now = self._clock()
        for lane in self._source.lanes():
            for user in heard:
                lane.wake(user, now)
            if not should_stop():
                self._ingestion.work(lane, now)
            if not should_stop():
                self._decide(lane)
            self._show_life()
        self._dispatch()
        self._source.commit(self._clock())
        self._show_life()

    def _decide(self, lane: Lane) -> None:
        asks = lane.due_requests(self._clock())
        try:
            for first in range(0, len(asks), USERS_PER_REQUEST):
                for decision in decide(self._database, asks[first : first + USERS_PER_REQUEST]):
                    lane.decided(decision, self._clock())
                    self._publish_started(decision.head)
        except SQLAlchemyError as away:
            log.warning(
                "PostgreSQL is unavailable or refuses, its answers are asked for again: %s", describe_error(away)
            )
            lane.decide_failed(self._clock())

    def _publish_started(self, head: Head | None) -> None:
        if head is not None and head.begins:
            self._publisher.publish(thought_processing(head.user_id, head.thought_id, head.turn))

    def _dispatch(self) -> None:
        """Publish all chains in one batch; what is not known to be sent is sent again, with the same ids."""
        if self._clock() < self._send_at:
            return
        waiting = [(lane, head) for lane in self._source.lanes() for head in lane.heads_to_dispatch()]
        if not waiting:
            return
        try:
            self._dispatcher.send([head for _, head in waiting])
        except (KombuError, RedisError, OSError) as away:
            log.warning("The broker is unavailable, %d chains are sent again: %s", len(waiting), type(away).__name__)
            self._send_at = self._clock() + DISPATCH_RETRY_SECONDS
            return
        for lane, head in waiting:
            lane.dispatched(head, self._clock())

    def _show_life(self) -> None:
        if self._clock() - self._life_shown_at >= HEARTBEAT_SECONDS:
            self._life_shown_at = self._clock()
            touch_heartbeat(self._settings.heartbeat_file)
