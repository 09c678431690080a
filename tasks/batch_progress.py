"""Watching a batch at a terminal: a progress bar there, a line now and then elsewhere, a word when nothing moves."""

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
"""Between two lines where there is no terminal."""

START_TIMEOUT_SECONDS: Final = 10.0
"""A bridge in batch mode begins within a second or two."""

NOT_BEGUN: Final = (
    "No bridge has begun it yet. Start one, with KAFKA_MODE=false or KAFKA_ENABLED=false as here; "
    "the batch waits for it."
)


class ShowProgress(Protocol):
    """Shows how many of so many thoughts have ended."""

    def __call__(self, done: int, total: int) -> None: ...


class Meter:
    """Counts what has ended. Thoughts that come back by a replay, or by a later request, make the total larger."""

    def __init__(self, total: int = 0) -> None:
        self.total = total
        self.done = 0

    def update(self, progress: BatchState) -> None:
        """The next look."""
        self.total = max(self.total, progress.open)
        self.done = self.total - progress.open


class BatchProgress:
    """Looks until the batch has ended, or until `pause`, which waits so many seconds, says that this is enough."""

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
        self._since = clock()
        self._printed: set[str] = set()
        self.meter = Meter(open_at_start)

    def run(self, show: ShowProgress) -> bool:
        """Whether the batch has ended. PostgreSQL may come and go meanwhile."""
        while not self._poll(show):
            if self._pause(POLL_SECONDS):
                return False
        return True

    def _poll(self, show: ShowProgress) -> bool:
        try:
            progress = self._batches.progress(self._batch)
        except SQLAlchemyError as away:
            self._print_once(
                "postgres", f"PostgreSQL does not answer; the batch is looked at again: {describe_error(away)}"
            )
            return False
        self.meter.update(progress)
        show(self.meter.done, self.meter.total)
        if not progress.begun and self._clock() - self._since > START_TIMEOUT_SECONDS:
            self._print_once("bridge", NOT_BEGUN)
        return progress.ended

    def _print_once(self, kind: str, line: str) -> None:
        if kind not in self._printed:
            self._printed.add(kind)
            click.echo(f"\n{line}", err=True)


@contextmanager
def progress_display(total: int, *, terminal: bool) -> Iterator[ShowProgress]:
    """A bar on a terminal, lines elsewhere; `total` is what is open now."""
    if terminal:
        with click.progressbar(length=max(total, 1), label="Analysed", show_pos=True, show_eta=False) as bar:
            yield lambda done, total: _move(bar, done, total)
    else:
        yield LineDisplay()


def _move(bar: Any, done: int, total: int) -> None:
    """click's bar takes a new length, but nothing less than one; and its own `update` does not go back."""
    bar.length, bar.pos = max(total, 1), done
    bar.render_progress()


class LineDisplay:
    """A line when a number has changed, at most every SAY_SECONDS."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: tuple[int, int] | None = None
        self._said_at = float("-inf")

    def __call__(self, done: int, total: int) -> None:
        if (done, total) == self._said or self._clock() - self._said_at < LINE_INTERVAL_SECONDS:
            return
        self._said, self._said_at = (done, total), self._clock()
        click.echo(f"{done} of {total} thoughts analysed")
