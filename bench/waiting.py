"""Waits for the end of a measurement."""

import time
from collections.abc import Callable
from typing import Final

TIMEOUT_SECONDS: Final = 600.0
POLL_SECONDS: Final = 0.05
"""The polling interval of all sides. It bounds the error that polling adds to a measured time."""


def wait_until(is_done: Callable[[], bool]) -> None:
    """Poll until `is_done` returns true. Raises SystemExit after TIMEOUT_SECONDS."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not is_done():
        if time.monotonic() > deadline:
            raise SystemExit(f"The measurement did not end within {TIMEOUT_SECONDS:g} s.")
        time.sleep(POLL_SECONDS)
