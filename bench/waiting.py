"""Waiting for a measurement's end."""

import time
from collections.abc import Callable
from typing import Final

LONGEST_SECONDS: Final = 600.0
LOOK_SECONDS: Final = 0.05
"""How often is looked, on all sides alike: a bound on what the looking adds to a measured time."""


def until(done: Callable[[], bool]) -> None:
    """Return when it is done. Raises SystemExit when it takes too long for any measurement."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"The measurement did not end within {LONGEST_SECONDS:g} s.")
        time.sleep(LOOK_SECONDS)
