"""Stopping on signals: an event instead of an exception in the middle of a statement."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stop_on(*signals: signal.Signals) -> Iterator[threading.Event]:
    """An event that these signals set while the block runs; afterwards they have their former handlers again."""
    stop = threading.Event()
    former = {number: signal.signal(number, lambda *_: stop.set()) for number in signals}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
