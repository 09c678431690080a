"""Replaces time.sleep in a process with libfaketime, whose version 0.9.10 breaks that of Python 3.11 and later.

It takes the monotonic time at which a sleep ends for a time of day, and the system refuses the negative rest (its
issue 426). Python imports this module at the start of a process that has this folder in PYTHONPATH.
"""

import select
import time
from typing import SupportsIndex


def sleep(seconds: float | SupportsIndex) -> None:
    """Wait as time.sleep does."""
    select.select([], [], [], float(seconds))


time.sleep = sleep
