"""What the production code is told in a history instead of what it would find: the time, threads, bounds."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from unittest.mock import patch

from bridge.consumer import assignment, batch_source, kafka_source
from bridge.consumer.lane import Lane
from bridge.relay import relay
from contracts import events, retry
from tests.simulation.clock import Calendar
from tests.simulation.group import THREADING
from tests.simulation.world import World

TIMED: Final = (retry, batch_source, assignment, relay)
"""Modules that know no clock of their own."""


@contextmanager
def installed(world: World) -> Iterator[None]:
    """Put it there while a history goes on."""
    others: list[tuple[Any, str, Any]] = [(module, "time", world.clock) for module in TIMED]
    others += [
        (events, "datetime", Calendar(world.clock)),
        (kafka_source, "threading", THREADING),
        *(
            (module, "Lane", lambda start, patience: Lane(start, patience, world.window))
            for module in (batch_source, kafka_source)
        ),
        (batch_source, "USERS_PER_POLL", 2),
    ]
    with ExitStack() as stack:
        for other in others:
            stack.enter_context(patch.object(*other))
        yield
