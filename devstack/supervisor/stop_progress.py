"""Whom a stop waits for, said to the person who waits: a worker may have a minute of paid calls to finish."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from devstack import console
from devstack.spec.layout import StackDir
from devstack.spec.stack import Process
from devstack.supervisor import pid_records

REPORT_AFTER_SECONDS = 3.0
"""Seconds: an idle process ends within one or two."""

POLL_SECONDS = 0.5


@contextmanager
def reporting_stops(home: StackDir, processes: Sequence[Process]) -> Iterator[None]:
    """While the block stops these processes, say once of each whom it waits for."""
    done = threading.Event()
    teller = threading.Thread(target=_report, args=(home, processes, done), daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


def _report(home: StackDir, processes: Sequence[Process], done: threading.Event) -> None:
    told: set[str] = set()
    since: dict[str, float] = {}
    while not done.wait(POLL_SECONDS):
        now = time.monotonic()
        for each in _stopping_now(home, processes):
            if now - since.setdefault(each.name, now) > REPORT_AFTER_SECONDS and each.name not in told:
                told.add(each.name)
                console.print_line(
                    f"waiting for {each.name} to {'finish its calls' if each.kind == 'worker' else 'end'}"
                )


def _stopping_now(home: StackDir, processes: Sequence[Process]) -> list[Process]:
    """Those of the highest rank that still run: the others are not asked to end yet."""
    left = [each for each in processes if pid_records.running_process(pid_records.read(home, each.name))]
    top = max((each.stop_rank for each in left), default=0)
    return [each for each in left if each.stop_rank == top]
