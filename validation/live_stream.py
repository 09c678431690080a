"""Reads a user's live stream, as a browser does."""

import json
import time
from collections.abc import Iterable, Iterator

from validation.event_sequence import Event, has_ended, names_of


def read_until_end(lines: Iterable[bytes], thought_id: str, deadline: float) -> list[Event]:
    """Return the events of a stream until the thought's last one.

    It ends earlier when the stream does, when nothing arrives for the timeout of its connection, or at the first line
    after the deadline: heartbeats are lines too.
    """
    events: list[Event] = []
    try:
        for event in parse_events(lines):
            events.extend([event] if event else [])
            if has_ended(names_of(events, thought_id)) or time.monotonic() > deadline:
                break
    except TimeoutError:
        return events
    return events


def parse_events(lines: Iterable[bytes]) -> Iterator[Event | None]:
    """Yield the events of a stream in the format of server-sent events, and None for each block that has none, such as
    a heartbeat."""
    kind, data = "", ""
    for line in lines:
        name, _, value = line.decode().rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data += value
        elif not name and not value:
            yield (kind, json.loads(data)) if kind and data else None
            kind, data = "", ""
