"""Waiting for something that another process does, with a deadline and without guessing how long it takes."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LOOK_AGAIN_SECONDS = 0.05


def eventually(check: Callable[[], T], *, timeout: float = 20.0) -> T:
    """Call `check` until it returns something true and return that; after `timeout` seconds raise AssertionError."""
    deadline = time.monotonic() + timeout
    while not (found := check()):
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout:g} s there is still only {found!r}")
        time.sleep(LOOK_AGAIN_SECONDS)
    return found
