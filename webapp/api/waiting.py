"""`Prefer: wait=20`: holds the answer to a POST back until the analysis has ended or the time is over (RFC 7240).

The wait follows the author's channel of the hub, as a stream does. It holds no database connection: PostgreSQL is asked
once after the subscription, after a gap, and now and then, each time with one of the query slots of the streams.
"""

import logging
import random
import re
import time
from typing import Any, Final
from uuid import UUID

from flask import request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.http import parse_list_header

from contracts.database import database_trouble
from contracts.events import ThoughtCompleted, ThoughtFailed
from contracts.progress import channel
from contracts.trouble_log import log_trouble
from webapp.hub.sse import StreamMessage
from webapp.hub.subscription import ControlMessage, Subscription
from webapp.queries import read
from webapp.services import Services

log = logging.getLogger(__name__)

MAX_WAIT_SECONDS: Final = 50
"""Below the minute after which most proxies give an answer up."""

CONFIRM_TIMEOUT_SECONDS: Final = 1.0
CHECK_SECONDS: Final = 10.0
"""How often PostgreSQL is asked although no message came: the process may have died between a commit and its event."""

UNCONNECTED_CHECK_SECONDS: Final = (1.0, 3.0)
"""How often while Redis is unavailable."""

SLOT_TIMEOUT_SECONDS: Final = 1.0

OPEN: Final = text("SELECT FROM thoughts WHERE id = :id AND finished_at IS NULL")
"""One row while the thought is being analysed or waits for it; none when it has ended, failed or was deleted."""

_ENDS: Final = frozenset({kind.model_fields["event_type"].default for kind in (ThoughtCompleted, ThoughtFailed)})
_WAIT: Final = re.compile('wait *= *"?([0-9]{1,9})"? *(;.*)?', re.IGNORECASE)


def requested_seconds() -> int:
    """Return how long the client asks to wait, at most MAX_WAIT_SECONDS; 0 without such a preference."""
    preferences = (one for line in request.headers.getlist("Prefer") for one in parse_list_header(line))
    waits = [match for one in preferences if (match := _WAIT.fullmatch(one.strip()))]
    return min(int(waits[0][1]), MAX_WAIT_SECONDS) if waits else 0


def wait_for_end(services: Services, user_id: UUID, thought_id: UUID, seconds: float) -> bool:
    """Wait until the thought has ended or `seconds` are over. Return False when too many requests wait already.

    Never raises when a server is unavailable: the thought is accepted, whatever becomes of the wait.
    """
    ends_at = time.monotonic() + seconds
    if not services.waiting_limiter.try_acquire(user_id):
        return False
    services.hub.start()
    subscription = services.hub.subscribe(channel(services.settings.redis_prefix, user_id))
    try:
        subscription.wait_until_confirmed(min(CONFIRM_TIMEOUT_SECONDS, seconds))
        _follow(services, subscription, thought_id, ends_at)
    finally:
        services.hub.unsubscribe(subscription)
        services.waiting_limiter.release(user_id)
    return True


def _follow(services: Services, subscription: Subscription, thought_id: UUID, ends_at: float) -> None:
    check_at = 0.0
    while (now := time.monotonic()) < ends_at:
        if now >= check_at:
            if not _is_open(services, thought_id):
                return
            check_at = time.monotonic() + _check_seconds(services)
        message = subscription.next_message(min(check_at, ends_at) - time.monotonic())
        if message is ControlMessage.END:
            return
        if message is ControlMessage.GAP or _is_end(message, thought_id):
            check_at = 0.0


def _check_seconds(services: Services) -> float:
    return CHECK_SECONDS if services.hub.is_connected else random.uniform(*UNCONNECTED_CHECK_SECONDS)  # noqa: S311 - jitter


def _is_end(message: Any, thought_id: UUID) -> bool:
    """Return whether this is the last event of the thought: a hint, as every message, so PostgreSQL is asked."""
    if not isinstance(message, StreamMessage) or message.type not in _ENDS or not isinstance(message.data, dict):
        return False
    return message.data.get("thought_id") == str(thought_id)


def _is_open(services: Services, thought_id: UUID) -> bool:
    """Return whether the thought has not ended, as far as PostgreSQL can say now."""
    if not services.stream_query_slots.acquire(timeout=SLOT_TIMEOUT_SECONDS):
        return True
    try:
        return bool(read(services.database, OPEN, id=thought_id))
    except SQLAlchemyError as error:
        log_trouble(log, database_trouble(error), "a waiting request asks again", extra={"thought_id": thought_id})
        return True
    finally:
        services.stream_query_slots.release()
