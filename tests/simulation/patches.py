"""Replaces the time, the threads and some limits of production code during a history."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from unittest.mock import patch

from bridge.consumer import assignment, batch_source, kafka_source, partition
from bridge.consumer.lane import Lane
from bridge.relay import relay
from contracts import events, retry
from tests.simulation.clock import SimulatedDatetime
from tests.simulation.consumer_group import INLINE_THREADING
from tests.simulation.world import World

TIMED_MODULES: Final = (retry, batch_source, assignment, relay)
"""Modules that use `time` directly instead of a clock that is passed to them."""


@contextmanager
def patched(world: World) -> Iterator[None]:
    """Apply the replacements during the block."""
    replacements: list[tuple[Any, str, Any]] = [(module, "time", world.clock) for module in TIMED_MODULES]
    replacements += [
        (events, "datetime", SimulatedDatetime(world.clock)),
        (kafka_source, "threading", INLINE_THREADING),
        *(
            (module, "Lane", lambda start, lease_seconds: Lane(start, lease_seconds, world.window))
            for module in (batch_source, partition)
        ),
        (batch_source, "USERS_PER_POLL", 2),
    ]
    with ExitStack() as stack:
        for replacement in replacements:
            stack.enter_context(patch.object(*replacement))
        yield
