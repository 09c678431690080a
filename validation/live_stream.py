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
    """Yield the events of a stream in the format of server-sent events, and None for each comment, such as a heartbeat,
    which no blank line need follow."""
    kind, data = "", ""
    for line in lines:
        name, separator, value = line.decode().rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        if separator and not name:
            yield None
        elif name == "event":
            kind = value
        elif name == "data":
            data += value
        elif not name:
            if kind and data:
                yield kind, json.loads(data)
            kind, data = "", ""
