"""One open stream, from its first bytes to its end.

Live events come from the hub, with ids. What the hub cannot know, because it happened before, or while Redis was away,
or because a process died between a fact and its news, is derived from PostgreSQL: at the start, at each heartbeat,
after each gap, and whenever a live event reveals that one before it is missing. A derived event carries an id only
where a reader that continues behind it misses nothing.
"""

import logging
import random
import time
from collections.abc import Generator, Iterator, Mapping
from typing import Any, Final
from uuid import UUID

import redis
from sqlalchemy.exc import SQLAlchemyError

from contracts.events import Event
from contracts.progress import channel
from webapp.hub.sse import Bookmark, Comment, StreamMessage, is_event
from webapp.hub.subscription import ControlMessage, Subscription
from webapp.services import Services
from webapp.stream.history import History, ResumePointTracker, StreamId, parse_stream_id, read_history
from webapp.stream.sent_events import Data, SentEvents
from webapp.stream.snapshot import derived_events, reset_data

log = logging.getLogger(__name__)

RECONNECT_MILLISECONDS: Final = 3000
CONFIRM_SECONDS: Final = 1.0
"""How long to wait for Redis's acknowledgement; a later one counts as a gap and is filled."""

BLIND_SECONDS: Final = (1.0, 3.0)
"""How often PostgreSQL is asked while Redis is unavailable, by each stream at a moment of its own."""

QUEUE_SECONDS: Final = 10.0
"""How long a stream waits for its turn to ask; the next heartbeat tries again."""

IDLE_LOOK_SECONDS: Final = 60.0
"""How often it is asked for a user without open thoughts: the news of a new one may have been lost as well."""

LIFE_SECONDS: Final = (540.0, 660.0)
"""A stream ends after about ten minutes, at different times, and the browser comes again: perhaps elsewhere."""

Item = StreamMessage | Comment | Bookmark


class EventStream:
    """What is sent to one reader. No database connection is held while it waits."""

    def __init__(self, services: Services, user_id: UUID, last_event_id: str | None) -> None:
        self._services = services
        self._user_id = user_id
        self._prefix = services.settings.redis_sse_prefix
        self._claimed = last_event_id or None
        self._last: StreamId | None = None
        self._owed_reset: str | None = None
        self._sent = SentEvents()
        self._derived_at = float("-inf")
        self._ends_at = time.monotonic() + random.uniform(*LIFE_SECONDS)  # noqa: S311 - jitter, no secret

    def items(self) -> Generator[Item, None, None]:
        """Everything in order; ends with the stream's life, a lost place in the queue, or the process."""
        yield Comment("connected", retry=RECONNECT_MILLISECONDS)
        hub = self._services.hub
        hub.start()
        subscription = hub.join(channel(self._prefix, self._user_id))
        try:
            subscription.wait_until_confirmed(CONFIRM_SECONDS)
            yield from self._begin()
            yield from self._follow(subscription)
        finally:
            hub.leave(subscription)

    def _begin(self) -> Iterator[Item]:
        """Continue behind the reader's last event where Redis still has what followed; else tell the state."""
        known, after = self._read_history(), parse_stream_id(self._claimed)
        if self._claimed is None:
            yield from self._derive(known=known)
            return
        if after is not None and known is not None and known.can_continue(after):
            yield from self._continue(known, after)
        else:
            self._owed_reset = known.messages[-1].id or "" if known and known.messages else ""
        yield from self._derive()

    def _continue(self, known: History, after: StreamId) -> Iterator[Item]:
        self._last = after
        for message in known.up_to(after):
            self._sent.add(_data(message))
        for message in known.after(after):
            yield from self._tell(message)

    def _follow(self, subscription: Subscription) -> Iterator[Item]:
        next_beat = time.monotonic() + self._interval()
        while (now := time.monotonic()) < self._ends_at:
            heard = subscription.next_message(min(next_beat - now, self._interval()))
            if heard is ControlMessage.END:
                return
            if heard is ControlMessage.GAP:
                yield from self._fill_gap()
            elif isinstance(heard, StreamMessage):
                yield from self._tell(heard)
            if time.monotonic() >= next_beat or (heard is None and not self._services.hub.connected):
                yield from self._beat()
                next_beat = time.monotonic() + self._interval()

    def _interval(self) -> float:
        usual = self._services.settings.sse_heartbeat_interval
        return usual if self._services.hub.connected else min(usual, random.uniform(*BLIND_SECONDS))  # noqa: S311 - jitter

    def _beat(self) -> Iterator[Item]:
        yield Comment("heartbeat")
        idle = self._services.hub.connected and not self._sent.open_thoughts
        if not idle or time.monotonic() - self._derived_at >= IDLE_LOOK_SECONDS:
            yield from self._derive()

    def _fill_gap(self) -> Iterator[Item]:
        known = self._read_history() if self._last and self._services.hub.connected else None
        for message in known.after(self._last) if known and self._last else ():
            yield from self._tell(message)
        yield from self._derive()

    def _tell(self, message: StreamMessage) -> Iterator[Item]:
        """Send a published event once, after everything that came before it; what is no event is not for readers."""
        if not is_event(message, self._user_id):
            return
        place, data = parse_stream_id(message.id), _data(message)
        if place is not None and self._last is not None and place <= self._last:
            return
        if not self._sent.contains(data) and self._sent.has_gap_before(data):
            yield from self._derive(History((message,)) if place else None, data)
        if self._sent.contains(data):
            yield from [Bookmark(str(message.id))] if place else []
        else:
            self._sent.add(data)
            yield message
        self._last = place or self._last

    def _derive(self, known: History | None = None, pending: Data | None = None) -> Iterator[Item]:
        """Tell what PostgreSQL knows and the reader does not; `known` holds the ids that Redis gave to some of it.

        `pending` is an event that will be told right after, if it is not told here: its thought is in view, too.

        While PostgreSQL is unavailable nothing is told, and the next heartbeat looks again.
        """
        try:
            reset, derived = self._query([UUID(pending["thought_id"])] if pending else [])
        except (SQLAlchemyError, TimeoutError) as away:
            log.warning("PostgreSQL is unavailable, the stream of %s waits: %s", self._user_id, type(away).__name__)
            self._derived_at = float("-inf")
            return
        self._derived_at = time.monotonic()
        if reset is not None:
            yield StreamMessage(reset, "reset", id=self._owed_reset)
            self._last, self._owed_reset = parse_stream_id(self._owed_reset), None
        told_next = str(pending.get("event_id")) if pending else ""
        yield from self._send_derived([event.to_dict() for event in derived], known or History(()), told_next)

    def _query(self, watched: list[UUID]) -> tuple[dict[str, Any] | None, list[Event]]:
        """What PostgreSQL knows: the state for an owed reset, and the events. Raises SQLAlchemyError, TimeoutError."""
        if not self._services.stream_query_slots.acquire(timeout=QUEUE_SECONDS):
            raise TimeoutError
        try:
            database = self._services.database
            reset = None if self._owed_reset is None else reset_data(database, self._user_id)
            return reset, derived_events(database, self._user_id, self._sent.open_thoughts + watched)
        finally:
            self._services.stream_query_slots.release()

    def _send_derived(self, derived: list[dict[str, Any]], known: History, pending: str) -> Iterator[Item]:
        untold = {data["event_id"] for data in derived if not self._sent.contains(data)}
        frontier = ResumePointTracker(known, untold | {pending})
        for data in derived:
            self._sent.add(data)
            if data["event_id"] in untold:
                yield StreamMessage(data, data["event_type"], id=frontier.advance(data["event_id"]))

    def _read_history(self) -> History | None:
        try:
            return read_history(self._services.redis, self._prefix, self._user_id)
        except redis.RedisError as away:
            log.warning("Redis is unavailable, nothing can be replayed to %s: %s", self._user_id, away)
            return None


def _data(message: StreamMessage) -> Data:
    return message.data if isinstance(message.data, Mapping) else {}
