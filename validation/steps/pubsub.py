"""Step 8: a subscriber of a user's Redis channel sees every event of a thought."""

import json
from collections.abc import Sequence
from typing import Any, Final

from agents.catalogue import CATALOGUE
from contracts.progress import channel
from validation.event_sequence import CREATED, Event, expected_names, has_ended, is_in_order, names_of
from validation.outcome import StepFailedError
from validation.site import Site
from validation.waiting import milliseconds_since, wait_for

TEXT: Final = "Validation: which book should I read next?"
POLL_SECONDS: Final = 0.2

NOT_SEEN_CURE: Final = (
    "repair the steps `consumer` and `results` first; when both pass, compare REDIS_URL and REDIS_SSE_PREFIX of all "
    "processes and of this command, and allow the Redis user its channels"
)


def check_pubsub(site: Site) -> str:
    """Subscribe, submit a thought, and collect its messages."""
    user_id = site.visitor.user_id
    if user_id is None:
        raise StepFailedError("no thought was accepted, so there is no user", "repair the step `producer` first")
    name = channel(site.settings.redis_prefix, user_id)
    with site.redis.pubsub() as subscriber:
        subscriber.subscribe(name)
        subscriber.get_message(timeout=site.seconds)  # the confirmation, so that no message is missed
        thought = site.visitor.submit(TEXT)
        events: list[Event] = []
        wait_for(lambda: _collect(subscriber, events, thought.id), thought.sent_at + site.seconds)
        milliseconds = milliseconds_since(thought.sent_at)
    return judge_events(f"on {name}", names_of(events, thought.id), milliseconds)


def judge_events(where: str, names: Sequence[str], milliseconds: int) -> str:
    """Return what was seen. Raises StepFailedError when an event is missing or out of order."""
    expected = expected_names(CATALOGUE.total)
    seen = f"{where}: {len(names)} events in {milliseconds} ms: {', '.join(names) or 'none'}"
    if not is_in_order(names, CATALOGUE.total):
        missing = [name for name in expected if name not in names]
        problem = f"missing: {_shorten(missing)}" if missing else "not in this order, or not only these"
        raise StepFailedError(f"{seen}; {problem}", NOT_SEEN_CURE)
    return f"{where}: {len(names)} events in {milliseconds} ms, {expected[0]} to {expected[-1]}"


def _shorten(missing: Sequence[str]) -> str:
    return missing[0] if len(missing) == 1 else f"{missing[0]} and {len(missing) - 1} more"


def _collect(subscriber: Any, events: list[Event], thought_id: str) -> bool | None:
    """Add the next message to the events. Return True when the thought's first and last one have arrived."""
    message = subscriber.get_message(ignore_subscribe_messages=True, timeout=POLL_SECONDS)
    if message is not None:
        content = json.loads(message["data"])
        events.append((str(content["type"]), content["data"]))
    names = names_of(events, thought_id)
    return True if CREATED in names and has_ended(names) else None
