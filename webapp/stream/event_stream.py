"""One open stream, from its first bytes to its end.

Live events come from the hub, with ids. Events that the hub cannot have are derived from PostgreSQL: those from before
the stream opened, from an outage of Redis, or of a process that died between a commit and its publication. The stream
derives events at its start, at each heartbeat, after each gap, and when a live event shows that an earlier one is
missing. A derived event carries an id only when a client that resumes after it misses nothing.
"""

import logging
import random
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Final, TypeVar
from uuid import UUID

import redis
from sqlalchemy.exc import SQLAlchemyError

from contracts.database import Database, database_trouble
from contracts.progress import channel
from contracts.refusals import redis_trouble
from contracts.trouble_log import log_trouble
from webapp.accounts.admissions import Admission, is_valid
from webapp.hub.sse import Bookmark, Comment, PartialText, StreamMessage, is_user_event
from webapp.hub.subscription import ControlMessage, Subscription
from webapp.queries import texts_of_user
from webapp.services import Services
from webapp.stream.history import (
    History,
    ResumePointTracker,
    StreamId,
    parse_stream_id,
    read_history,
    read_message,
)
from webapp.stream.sent_events import Data, SentEvents
from webapp.stream.snapshot import Outline, complete_events, derived_outlines, reset_data

log = logging.getLogger(__name__)

RECONNECT_MILLISECONDS: Final = 3000
CONFIRM_TIMEOUT_SECONDS: Final = 1.0
"""How long to wait for Redis to confirm the subscription. A later confirmation counts as a gap."""

FALLBACK_POLL_SECONDS: Final = (1.0, 3.0)
"""While Redis is unavailable, each stream polls PostgreSQL after a random time in this range."""

QUERY_SLOT_TIMEOUT_SECONDS: Final = 10.0
"""How long a stream waits for one of the query slots; the next heartbeat tries again."""

IDLE_POLL_SECONDS: Final = 60.0
"""How often PostgreSQL is queried for a user without open thoughts, because even thought_created may have been lost."""

ADMISSION_SECONDS: Final = 30.0
"""How long a stream goes on at least before it asks again whether its token or sign-in is valid."""

LIFE_SECONDS: Final = (540.0, 660.0)
"""A stream ends after a random time of about ten minutes. The browser reconnects, possibly to another process."""

Result = TypeVar("Result")

Item = StreamMessage | Comment | Bookmark


class EventStream:
    """The items that are sent to one client. No database connection is held while the stream waits."""

    def __init__(
        self, services: Services, user_id: UUID, last_event_id: str | None, admission: Admission | None = None
    ) -> None:
        self._services = services
        self._user_id = user_id
        self._prefix = services.settings.redis_prefix
        self._last_event_id = last_event_id or None
        self._position: StreamId | None = None
        self._pending_reset_id: str | None = None
        """The stream id of the reset that must be sent next; None when none is pending."""
        self._sent = SentEvents()
        self._derived_at = float("-inf")
        self._admission = admission
        self._admitted_at = time.monotonic()
        self._ends_at = time.monotonic() + random.uniform(*LIFE_SECONDS)  # noqa: S311 - jitter, no secret

    def items(self) -> Generator[Item, None, None]:
        """Yield all items in order, until the stream's lifetime, its subscription or the process ends."""
        yield Comment("connected", retry=RECONNECT_MILLISECONDS)
        hub = self._services.hub
        hub.start()
        subscription = hub.subscribe(channel(self._prefix, self._user_id))
        try:
            subscription.wait_until_confirmed(CONFIRM_TIMEOUT_SECONDS)
            yield from self._start()
            yield from self._follow(subscription)
        finally:
            hub.unsubscribe(subscription)

    def _start(self) -> Iterator[Item]:
        """Resume after the client's Last-Event-ID if the history allows it; otherwise send a reset.

        A client without a Last-Event-ID gets the derived events only.
        """
        history, after = self._read_history(), parse_stream_id(self._last_event_id)
        if self._last_event_id is None:
            yield from self._derive(history=history)
            return
        if after is not None and history is not None and history.can_resume(after):
            yield from self._resume(history, after)
        else:
            self._pending_reset_id = history.messages[-1].id or "" if history and history.messages else ""
        yield from self._derive()

    def _resume(self, history: History, after: StreamId) -> Iterator[Item]:
        self._position = after
        for message in history.up_to(after):
            self._sent.add(_data(message))
        yield from self._send_missed(history, after)

    def _send_missed(self, history: History, after: StreamId) -> Iterator[Item]:
        """Send the messages after a position. `_derive` later sends the events of those that expire meanwhile."""
        for outline in history.after(after):
            message = self._read_redis(lambda outline=outline: self._read_message(outline))  # type: ignore[misc]
            if message is not None:
                yield from self._send(message)

    def _follow(self, subscription: Subscription) -> Iterator[Item]:
        next_heartbeat = time.monotonic() + self._interval()
        while (now := time.monotonic()) < self._ends_at:
            message = subscription.next_message(min(next_heartbeat - now, self._interval()))
            if message is ControlMessage.END:
                return
            if message is ControlMessage.GAP:
                yield from self._fill_gap()
            elif isinstance(message, PartialText):
                yield from self._send_partial_text(message)
            elif isinstance(message, StreamMessage):
                yield from self._send(message)
            if time.monotonic() >= next_heartbeat or (message is None and not self._services.hub.is_connected):
                if not self._is_admitted():
                    return
                yield from self._heartbeat()
                next_heartbeat = time.monotonic() + self._interval()

    def _is_admitted(self) -> bool:
        """Return whether the client may still read. While PostgreSQL is unavailable, it may until an answer says no."""
        now = time.monotonic()
        if self._admission is None or now - self._admitted_at < ADMISSION_SECONDS:
            return True
        self._admitted_at = now
        admission = self._admission
        try:
            return self._query(lambda database: is_valid(database, admission))
        except (SQLAlchemyError, TimeoutError) as error:
            consequence = "a stream cannot check whether its token or sign-in is still valid"
            log_trouble(log, database_trouble(error), consequence, extra={"user_id": self._user_id})
            return True

    def _interval(self) -> float:
        interval = self._services.settings.sse_heartbeat_interval
        if self._services.hub.is_connected:
            return interval
        return min(interval, random.uniform(*FALLBACK_POLL_SECONDS))  # noqa: S311 - jitter

    def _heartbeat(self) -> Iterator[Item]:
        yield Comment("heartbeat")
        is_idle = self._services.hub.is_connected and not self._sent.open_thoughts
        if not is_idle or time.monotonic() - self._derived_at >= IDLE_POLL_SECONDS:
            yield from self._derive()

    def _fill_gap(self) -> Iterator[Item]:
        history = self._read_history() if self._position and self._services.hub.is_connected else None
        if history and self._position:
            yield from self._send_missed(history, self._position)
        yield from self._derive()

    def _send_partial_text(self, message: PartialText) -> Iterator[Item]:
        """Send what an agent has written so far, unless the client knows the result or does not know the thought yet.

        Nothing is recorded: it does not matter whether the client receives it.
        """
        progress = message.progress
        if progress.user_id == self._user_id and self._sent.is_open_at(progress.thought_id, progress.agent_number):
            yield message

    def _send(self, message: StreamMessage) -> Iterator[Item]:
        """Send a published event once, after all earlier events. Skip messages that are not events of the user."""
        if not is_user_event(message, self._user_id):
            return
        stream_id, data = parse_stream_id(message.id), _data(message)
        if stream_id is not None and self._position is not None and stream_id <= self._position:
            return
        if not self._sent.contains(data) and self._sent.has_gap_before(data):
            yield from self._derive(History((message,)) if stream_id else None, data)
        if self._sent.contains(data):
            yield from [Bookmark(str(message.id))] if stream_id else []
        else:
            self._sent.add(data)
            yield message
        self._position = stream_id or self._position

    def _derive(self, history: History | None = None, next_event: Data | None = None) -> Iterator[Item]:
        """Send the events that PostgreSQL has and the client lacks. `history` holds the Redis ids of some of them.

        `next_event` will be sent right afterwards unless it is sent here; its thought is queried as well.

        While PostgreSQL is unavailable nothing is sent, and the next heartbeat tries again.
        """
        watched = self._sent.open_thoughts + ([UUID(next_event["thought_id"])] if next_event else [])
        next_event_id = str(next_event.get("event_id")) if next_event else ""
        try:
            if self._pending_reset_id is not None:
                yield self._reset(self._pending_reset_id)
            derived = self._query(lambda database: derived_outlines(database, self._user_id, watched))
            self._derived_at = time.monotonic()
            yield from self._send_derived(derived, history or History(()), next_event_id)
        except (SQLAlchemyError, TimeoutError) as error:
            consequence = "a stream derives no events until its next heartbeat"
            log_trouble(log, database_trouble(error), consequence, extra={"user_id": self._user_id})
            self._derived_at = float("-inf")

    def _reset(self, reset_id: str) -> StreamMessage:
        message = StreamMessage(self._query(lambda database: reset_data(database, self._user_id)), "reset", id=reset_id)
        self._position, self._pending_reset_id = parse_stream_id(reset_id), None
        return message

    def _query(self, query: Callable[[Database], Result]) -> Result:
        """Return the answer of PostgreSQL.

        Raises SQLAlchemyError when PostgreSQL is unavailable, and TimeoutError when no query slot becomes free.
        """
        if not self._services.stream_query_slots.acquire(timeout=QUERY_SLOT_TIMEOUT_SECONDS):
            raise TimeoutError
        try:
            return query(self._services.database)
        finally:
            self._services.stream_query_slots.release()

    def _send_derived(self, derived: list[Outline], history: History, next_event_id: str) -> Iterator[Item]:
        ids = [outline.event_id for outline in derived]
        unsent = {event_id for event_id in ids if not self._sent.contains({"event_id": event_id})}
        resume_point = ResumePointTracker(history, unsent | {next_event_id})
        needed = [outline if outline.event_id in unsent else Outline(outline.event) for outline in derived]
        for data in complete_events(needed, self._read_texts):
            self._sent.add(data)
            if data["event_id"] in unsent:
                yield StreamMessage(data, data["event_type"], id=resume_point.advance(data["event_id"]))

    def _read_texts(self, ids: list[UUID]) -> dict[UUID, str]:
        return self._query(lambda database: texts_of_user(database, self._user_id, ids))

    def _read_history(self) -> History | None:
        return self._read_redis(lambda: read_history(self._services.redis, self._prefix, self._user_id))

    def _read_message(self, outline: StreamMessage) -> StreamMessage | None:
        return read_message(self._services.redis, self._prefix, self._user_id, outline)

    def _read_redis(self, call: Callable[[], Result | None]) -> Result | None:
        try:
            return call()
        except redis.RedisError as error:
            consequence = "a stream derives its events from PostgreSQL"
            log_trouble(log, redis_trouble(error), consequence, extra={"user_id": self._user_id})
            return None


def _data(message: StreamMessage) -> Data:
    return message.data if isinstance(message.data, Mapping) else {}
