"""Shows the progress of a batch: a bar on a terminal, a line every few seconds elsewhere, and why nothing happens."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

import click
from sqlalchemy.exc import SQLAlchemyError

from contracts.database import describe_error
from tasks.batches import Batches, BatchState

POLL_SECONDS: Final = 0.5
LINE_INTERVAL_SECONDS: Final = 5.0
"""The shortest interval between two lines where there is no terminal."""

START_TIMEOUT_SECONDS: Final = 10.0
"""How long to wait before reporting that no bridge has begun the batch; a bridge in batch mode begins it within 2 s."""

NOT_BEGUN: Final = (
    "No bridge has begun this batch yet. Start a bridge with KAFKA_MODE=false, or with KAFKA_ENABLED=false as here; "
    "the batch waits for it."
)


class ShowProgress(Protocol):
    """Shows how many of `total` thoughts have ended."""

    def __call__(self, done: int, total: int) -> None: ...


class Meter:
    """Counts the thoughts that have ended. The total grows when a replay or a later request adds thoughts."""

    def __init__(self, total: int = 0) -> None:
        self.total = total
        self.done = 0

    def update(self, state: BatchState) -> None:
        """Record a new state of the batch."""
        self.total = max(self.total, state.open)
        self.done = self.total - state.open


class BatchProgress:
    """Polls one batch until it has ended, or until `pause(seconds)` returns true because the user interrupted it."""

    def __init__(
        self,
        batches: Batches,
        batch: int,
        pause: Callable[[float], bool],
        clock: Callable[[], float] = time.monotonic,
        open_at_start: int = 0,
    ) -> None:
        self._batches = batches
        self._batch = batch
        self._pause = pause
        self._clock = clock
        self._started_at = clock()
        self._printed: set[str] = set()
        self.meter = Meter(open_at_start)

    def run(self, show: ShowProgress) -> bool:
        """Return whether the batch has ended. Keeps polling while PostgreSQL is unavailable."""
        while not self._poll(show):
            if self._pause(POLL_SECONDS):
                return False
        return True

    def _poll(self, show: ShowProgress) -> bool:
        try:
            state = self._batches.progress(self._batch)
        except SQLAlchemyError as error:
            self._print_once("postgres", f"PostgreSQL is unavailable, polling continues: {describe_error(error)}")
            return False
        self.meter.update(state)
        show(self.meter.done, self.meter.total)
        if not state.begun and self._clock() - self._started_at > START_TIMEOUT_SECONDS:
            self._print_once("bridge", NOT_BEGUN)
        return state.ended

    def _print_once(self, kind: str, line: str) -> None:
        if kind not in self._printed:
            self._printed.add(kind)
            click.echo(f"\n{line}", err=True)


@contextmanager
def progress_display(total: int, *, terminal: bool) -> Iterator[ShowProgress]:
    """Yield a progress bar on a terminal and a line display elsewhere; `total` is the number of open thoughts now."""
    if terminal:
        with click.progressbar(length=max(total, 1), label="Analysed", show_pos=True, show_eta=False) as bar:
            yield lambda done, total: _move(bar, done, total)
    else:
        yield LineDisplay()


def _move(bar: Any, done: int, total: int) -> None:
    """Set the bar's position and length: click's own `update` cannot move back, and a length below one fails."""
    bar.length, bar.pos = max(total, 1), done
    bar.render_progress()


class LineDisplay:
    """Prints a line when a number has changed, at most one every LINE_INTERVAL_SECONDS."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._printed: tuple[int, int] | None = None
        self._printed_at = float("-inf")

    def __call__(self, done: int, total: int) -> None:
        if (done, total) == self._printed or self._clock() - self._printed_at < LINE_INTERVAL_SECONDS:
            return
        self._printed, self._printed_at = (done, total), self._clock()
        click.echo(f"{done} of {total} thoughts analysed")
