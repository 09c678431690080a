"""Reports which processes a stop waits for, because a worker may need a minute to finish its paid calls."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from devstack import console
from devstack.spec.layout import StackDir
from devstack.spec.stack import Process
from devstack.supervisor import pid_records

REPORT_AFTER_SECONDS = 3.0
"""Seconds before a process is reported; an idle process exits within one or two."""

POLL_SECONDS = 0.5


@contextmanager
def reporting_stops(stack_dir: StackDir, processes: Sequence[Process]) -> Iterator[None]:
    """Print once for each slow process that it is waited for, while the block stops these processes."""
    done = threading.Event()
    reporter = threading.Thread(target=_report, args=(stack_dir, processes, done), daemon=True)
    reporter.start()
    try:
        yield
    finally:
        done.set()
        reporter.join()


def _report(stack_dir: StackDir, processes: Sequence[Process], done: threading.Event) -> None:
    reported: set[str] = set()
    stopping_since: dict[str, float] = {}
    while not done.wait(POLL_SECONDS):
        now = time.monotonic()
        for process in _stopping_now(stack_dir, processes):
            seconds = now - stopping_since.setdefault(process.name, now)
            if seconds > REPORT_AFTER_SECONDS and process.name not in reported:
                reported.add(process.name)
                purpose = "finish its calls" if process.kind == "worker" else "stop"
                console.print_line(f"Waiting for {process.name} to {purpose}")


def _stopping_now(stack_dir: StackDir, processes: Sequence[Process]) -> list[Process]:
    """Return the running processes of the highest rank; lower ranks have not received their stop signal yet."""
    running = [
        process for process in processes if pid_records.running_process(pid_records.read(stack_dir, process.name))
    ]
    top_rank = max((process.stop_rank for process in running), default=0)
    return [process for process in running if process.stop_rank == top_rank]
