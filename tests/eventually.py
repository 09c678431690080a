"""Waiting for something that another process does, with a deadline and without guessing how long it takes."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.25
"""Seconds. Who has waited for long looks less often, and leaves the processors to what is waited for."""


def eventually(check: Callable[[], T], *, timeout: float = 20.0) -> T:
    """Call `check` until it returns something true and return that; after `timeout` seconds raise AssertionError."""
    begun = time.monotonic()
    while not (found := check()):
        waited = time.monotonic() - begun
        if waited > timeout:
            raise AssertionError(f"after {timeout:g} s there is still only {found!r}")
        time.sleep(min(LONGEST_PAUSE, FIRST_PAUSE + waited / 20))
    return found
