"""Waits for something that another process does, with a deadline."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

PAUSE_SECONDS: Final = 0.05


def wait_for(look: Callable[[], T | None], deadline: float) -> T | None:
    """Call `look` until it returns something, or until the deadline on the monotonic clock; then return None.

    `look` is called at least once, so that a step whose time is used up still sees the present state.
    """
    while (result := look()) is None and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
    return result


def milliseconds_since(start: float) -> int:
    """Return the whole milliseconds since a time of the monotonic clock."""
    return round((time.monotonic() - start) * 1000)
