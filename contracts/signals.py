"""Handles signals by setting an event, because an exception could interrupt a statement halfway."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stop_on(*signals: signal.Signals) -> Iterator[threading.Event]:
    """Yield an event that these signals set. Restore the previous handlers when the block ends."""
    stop = threading.Event()
    previous_handlers = {number: signal.signal(number, lambda *_: stop.set()) for number in signals}
    try:
        yield stop
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
