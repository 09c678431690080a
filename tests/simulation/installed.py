"""What the production code is told in a history instead of what it would find: the time, threads, bounds."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from unittest.mock import patch

from bridge import again, batches, beginning, consumer, relay
from bridge.lane import Lane
from contracts import events
from tests.simulation.clock import Calendar
from tests.simulation.group import THREADING
from tests.simulation.world import World
from webapp import acceptance

TIMED: Final = (again, batches, beginning, relay, acceptance)
"""Modules that know no clock of their own."""


@contextmanager
def installed(world: World) -> Iterator[None]:
    """Put it there while a history goes on."""
    others: list[tuple[Any, str, Any]] = [(module, "time", world.clock) for module in TIMED]
    others += [
        (events, "datetime", Calendar(world.clock)),
        (consumer, "threading", THREADING),
        *(
            (module, "Lane", lambda start, patience: Lane(start, patience, world.window))
            for module in (batches, consumer)
        ),
        (batches, "USERS_A_LOOK", 2),
    ]
    with ExitStack() as stack:
        for other in others:
            stack.enter_context(patch.object(*other))
        yield
