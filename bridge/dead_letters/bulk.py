"""Closes many dead letters one after the other, at a limited rate, with a progress bar on a terminal.

A signal stops it between two statements.
"""

import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import click

from bridge.dead_letters.queries import Candidate
from bridge.dead_letters.replay import CloseResult
from contracts.signals import stop_on

CloseFunction = Callable[[str], CloseResult]
"""Closes the dead letter with this failure id."""


@dataclass(slots=True)
class BulkProgress:
    """The results so far, of `total` dead letters."""

    total: int
    done: list[CloseResult] = field(default_factory=list)

    @property
    def remaining(self) -> int:
        """How many were not processed."""
        return self.total - len(self.done)

    @property
    def unsuccessful(self) -> list[CloseResult]:
        """The results of dead letters that are not in the requested state."""
        return [result for result in self.done if not result.succeeded]

    @property
    def newly_closed(self) -> int:
        """How many this run has closed."""
        return sum(result.changed for result in self.done)


def run_bulk(progress: BulkProgress, ids: Sequence[str], close: CloseFunction, *, rate: float, label: str) -> None:
    """Close each dead letter, at most `rate` per second, and add its result to `progress`.

    Ctrl-C and SIGTERM stop it after the current one. Raises SQLAlchemyError; what `progress` has by then is done, and
    the command can be repeated for the rest.
    """
    hidden = not sys.stderr.isatty()
    with (
        stop_on(signal.SIGINT, signal.SIGTERM) as stop,
        click.progressbar(length=len(ids), label=label, file=sys.stderr, hidden=hidden) as bar,
    ):
        for result in _at_rate(ids, close, rate=rate, stop=stop):
            progress.done.append(result)
            bar.update(1)


def _at_rate(ids: Sequence[str], close: CloseFunction, *, rate: float, stop: threading.Event) -> Iterator[CloseResult]:
    """Close one after the other, at most `rate` per second, until `stop` is set."""
    due = time.monotonic()
    for failure_id in ids:
        if stop.wait(max(0.0, due - time.monotonic())):
            return
        due = max(due, time.monotonic() - 1 / rate) + 1 / rate
        yield close(failure_id)


def count_candidates(
    candidates: Sequence[Candidate], can_close: Callable[[Candidate], bool] = attrgetter("replayable")
) -> dict[str, Any]:
    """Count the candidates by reason, agent and user, the most frequent first.

    `closable` counts those that `can_close` accepts: for a replay the replayable ones, for a discard the open ones.
    """
    return {
        "dead_letters": len(candidates),
        "closable": sum(map(can_close, candidates)),
        "closed": sum(not candidate.is_open for candidate in candidates),
        "by_reason": dict(Counter(candidate.reason for candidate in candidates).most_common()),
        "by_agent": dict(Counter(candidate.agent or "-" for candidate in candidates).most_common()),
        "by_user": dict(Counter(candidate.user_id or "-" for candidate in candidates).most_common()),
    }
