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
from webapp.hub.subscription import Signal, Subscription
from webapp.services import Services
from webapp.stream.history import Frontier, Kept, Position, kept, position
from webapp.stream.sent_events import Data, Told
from webapp.stream.snapshot import derived_events, reset_data

log = logging.getLogger(__name__)

RECONNECT_MILLISECONDS: Final = 3000
CONFIRM_SECONDS: Final = 1.0
"""How long to wait for Redis's acknowledgement; a later one counts as a gap and is filled."""

BLIND_SECONDS: Final = (1.0, 3.0)
"""How often PostgreSQL is asked while Redis is away, by each stream at a moment of its own."""

QUEUE_SECONDS: Final = 10.0
"""How long a stream waits for its turn to ask; the next heartbeat tries again."""

IDLE_LOOK_SECONDS: Final = 60.0
"""How often it is asked for a user without open thoughts: the news of a new one may have been lost as well."""

LIFE_SECONDS: Final = (540.0, 660.0)
"""A stream ends after about ten minutes, at different times, and the browser comes again: perhaps elsewhere."""

Item = StreamMessage | Comment | Bookmark


class Feed:
    """What is sent to one reader. No database connection is held while it waits."""

    def __init__(self, services: Services, user_id: UUID, last_event_id: str | None) -> None:
        self._services = services
        self._user_id = user_id
        self._prefix = services.settings.redis_sse_prefix
        self._claimed = last_event_id or None
        self._last: Position | None = None
        self._owed_reset: str | None = None
        self._told = Told()
        self._looked_at = float("-inf")
        self._ends_at = time.monotonic() + random.uniform(*LIFE_SECONDS)  # noqa: S311 - jitter, no secret

    def items(self) -> Generator[Item, None, None]:
        """Everything in order; ends with the stream's life, a lost place in the queue, or the process."""
        yield Comment("connected", retry=RECONNECT_MILLISECONDS)
        hub = self._services.hub
        hub.start()
        subscription = hub.join(channel(self._prefix, self._user_id))
        try:
            subscription.begin(CONFIRM_SECONDS)
            yield from self._begin()
            yield from self._follow(subscription)
        finally:
            hub.leave(subscription)

    def _begin(self) -> Iterator[Item]:
        """Continue behind the reader's last event where Redis still has what followed; else tell the state."""
        known, after = self._kept(), position(self._claimed)
        if self._claimed is None:
            yield from self._look(known=known)
            return
        if after is not None and known is not None and known.can_continue(after):
            yield from self._continue(known, after)
        else:
            self._owed_reset = known.messages[-1].id or "" if known and known.messages else ""
        yield from self._look()

    def _continue(self, known: Kept, after: Position) -> Iterator[Item]:
        self._last = after
        for message in known.before(after):
            self._told.note(_data(message))
        for message in known.following(after):
            yield from self._tell(message)

    def _follow(self, subscription: Subscription) -> Iterator[Item]:
        next_beat = time.monotonic() + self._interval()
        while (now := time.monotonic()) < self._ends_at:
            heard = subscription.take(min(next_beat - now, self._interval()))
            if heard is Signal.END:
                return
            if heard is Signal.GAP:
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
        idle = self._services.hub.connected and not self._told.open_thoughts
        if not idle or time.monotonic() - self._looked_at >= IDLE_LOOK_SECONDS:
            yield from self._look()

    def _fill_gap(self) -> Iterator[Item]:
        known = self._kept() if self._last and self._services.hub.connected else None
        for message in known.following(self._last) if known and self._last else ():
            yield from self._tell(message)
        yield from self._look()

    def _tell(self, message: StreamMessage) -> Iterator[Item]:
        """Send a published event once, after everything that came before it; what is no event is not for readers."""
        if not is_event(message, self._user_id):
            return
        place, data = position(message.id), _data(message)
        if place is not None and self._last is not None and place <= self._last:
            return
        if not self._told.knows(data) and self._told.lacks_what_came_before(data):
            yield from self._look(Kept((message,)) if place else None, data)
        if self._told.knows(data):
            yield from [Bookmark(str(message.id))] if place else []
        else:
            self._told.note(data)
            yield message
        self._last = place or self._last

    def _look(self, known: Kept | None = None, pending: Data | None = None) -> Iterator[Item]:
        """Tell what PostgreSQL knows and the reader does not; `known` holds the ids that Redis gave to some of it.

        `pending` is an event that will be told right after, if it is not told here: its thought is in view, too.

        While PostgreSQL is away nothing is told, and the next heartbeat looks again.
        """
        try:
            reset, derived = self._asked([UUID(pending["thought_id"])] if pending else [])
        except (SQLAlchemyError, TimeoutError) as away:
            log.warning("PostgreSQL is away, the stream of %s waits: %s", self._user_id, type(away).__name__)
            self._looked_at = float("-inf")
            return
        self._looked_at = time.monotonic()
        if reset is not None:
            yield StreamMessage(reset, "reset", id=self._owed_reset)
            self._last, self._owed_reset = position(self._owed_reset), None
        told_next = str(pending.get("event_id")) if pending else ""
        yield from self._tell_derived([event.to_dict() for event in derived], known or Kept(()), told_next)

    def _asked(self, watched: list[UUID]) -> tuple[dict[str, Any] | None, list[Event]]:
        """What PostgreSQL knows: the state for an owed reset, and the events. Raises SQLAlchemyError, TimeoutError."""
        if not self._services.looks.acquire(timeout=QUEUE_SECONDS):
            raise TimeoutError
        try:
            database = self._services.database
            reset = None if self._owed_reset is None else reset_data(database, self._user_id)
            return reset, derived_events(database, self._user_id, self._told.open_thoughts + watched)
        finally:
            self._services.looks.release()

    def _tell_derived(self, derived: list[dict[str, Any]], known: Kept, pending: str) -> Iterator[Item]:
        untold = {data["event_id"] for data in derived if not self._told.knows(data)}
        frontier = Frontier(known, untold | {pending})
        for data in derived:
            self._told.note(data)
            if data["event_id"] in untold:
                yield StreamMessage(data, data["event_type"], id=frontier.after(data["event_id"]))

    def _kept(self) -> Kept | None:
        try:
            return kept(self._services.redis, self._prefix, self._user_id)
        except redis.RedisError as away:
            log.warning("Redis is away, nothing can be replayed to %s: %s", self._user_id, away)
            return None


def _data(message: StreamMessage) -> Data:
    return message.data if isinstance(message.data, Mapping) else {}
