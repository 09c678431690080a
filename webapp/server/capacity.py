"""How many connections and streams a process can have, given the file descriptors that the system allows it."""

import logging
import resource
from dataclasses import dataclass
from typing import Final

log = logging.getLogger(__name__)

SPARE_CONNECTIONS: Final = 1000
"""Connections that a process accepts in addition to its streams."""

RESERVED_DESCRIPTORS: Final = 256
"""Descriptors for everything else: the pools of PostgreSQL and Redis, files, and connections that are being closed."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """The limits of a process: all connections, and the streams among them."""

    connections: int
    streams: int


def plan(descriptors: int, streams: int) -> Capacity:
    """Return the limits for this many descriptors: `streams` and the spare connections, or less of both.

    At least one third of the connections is left for other requests, because streams may not block the page.
    """
    room = max(3, descriptors - RESERVED_DESCRIPTORS)
    if streams + SPARE_CONNECTIONS <= room:
        return Capacity(streams + SPARE_CONNECTIONS, streams)
    return Capacity(room, min(streams, room - room // 3))


def raise_descriptor_limit(streams: int) -> int:
    """Raise the soft limit of file descriptors as far as needed and allowed. Return the limit that holds now."""
    needed = streams + SPARE_CONNECTIONS + RESERVED_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return needed
    allowed = needed if hard == resource.RLIM_INFINITY else min(hard, needed)
    if allowed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(allowed, soft)


def adapt_to_system(streams: int) -> Capacity:
    """Raise the limit of descriptors, and return the limits that fit. Log when the setting does not fit."""
    descriptors = raise_descriptor_limit(streams)
    capacity = plan(descriptors, streams)
    if capacity.streams < streams:
        log.warning(
            "The system allows %d open files, so at most %d streams and %d connections are open at once. "
            "For SSE_MAX_CONNECTIONS=%d, allow %d open files (`ulimit -n`).",
            descriptors, capacity.streams, capacity.connections, streams,
            streams + SPARE_CONNECTIONS + RESERVED_DESCRIPTORS,
        )  # fmt: skip
    elif capacity.connections < streams + SPARE_CONNECTIONS:
        log.warning(
            "The system allows %d open files, so at most %d connections are open at once.",
            descriptors,
            capacity.connections,
        )
    return capacity
