"""Whom a stop waits for, said to the person who waits: a worker may have a minute of paid calls to finish."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from devstack import console
from devstack.spec.layout import Home
from devstack.spec.stack import Process
from devstack.supervisor import pid_records

SAY_AFTER = 3.0
"""Seconds: an idle process ends within one or two."""

LOOK_EVERY = 0.5


@contextmanager
def said(home: Home, processes: Sequence[Process]) -> Iterator[None]:
    """While the block stops these processes, say once of each whom it waits for."""
    done = threading.Event()
    teller = threading.Thread(target=_tell, args=(home, processes, done), daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


def _tell(home: Home, processes: Sequence[Process], done: threading.Event) -> None:
    told: set[str] = set()
    since: dict[str, float] = {}
    while not done.wait(LOOK_EVERY):
        now = time.monotonic()
        for each in _next_to_end(home, processes):
            if now - since.setdefault(each.name, now) > SAY_AFTER and each.name not in told:
                told.add(each.name)
                console.say(f"waiting for {each.name} to {'finish its calls' if each.kind == 'worker' else 'end'}")


def _next_to_end(home: Home, processes: Sequence[Process]) -> list[Process]:
    """Those of the highest rank that still run: the others are not asked to end yet."""
    left = [each for each in processes if pid_records.living(pid_records.read(home, each.name))]
    top = max((each.rank for each in left), default=0)
    return [each for each in left if each.rank == top]
