"""Waits for a result of another process, with a deadline and without a fixed delay."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

MIN_PAUSE, MAX_PAUSE = 0.02, 0.25
"""Seconds between two checks. The pause grows, so that a long wait leaves the processors to the other process."""


def eventually(check: Callable[[], T], *, timeout: float = 20.0) -> T:
    """Call `check` until its result is true, and return the result. Raises AssertionError after `timeout` seconds."""
    started_at = time.monotonic()
    while not (result := check()):
        waited = time.monotonic() - started_at
        if waited > timeout:
            raise AssertionError(f"after {timeout:g} s the check still returns {result!r}")
        time.sleep(min(MAX_PAUSE, MIN_PAUSE + waited / 20))
    return result
