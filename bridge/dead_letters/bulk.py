"""Many dead letters one after the other: at a rate, with a bar on a terminal, and an end between two statements."""

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

CloseOne = Callable[[str], CloseResult]


@dataclass(slots=True)
class BulkProgress:
    """What was done so far of `chosen` dead letters."""

    total: int
    done: list[CloseResult] = field(default_factory=list)

    @property
    def remaining(self) -> int:
        """How many nobody came to."""
        return self.total - len(self.done)

    @property
    def refused(self) -> list[CloseResult]:
        """Those that are not as they were asked to be."""
        return [one for one in self.done if not one.succeeded]

    @property
    def newly_closed(self) -> int:
        """How many were closed by this work."""
        return sum(one.changed for one in self.done)


def run_bulk(progress: BulkProgress, ids: Sequence[str], act: CloseOne, *, rate: float, label: str) -> None:
    """Do it for each, at most `rate` a second, and note it in `work`. Ctrl-C and SIGTERM end it after a whole one.

    Raises SQLAlchemyError; what `work` has by then is done, and the rest may be asked for again.
    """
    hidden = not sys.stderr.isatty()
    with (
        stop_on(signal.SIGINT, signal.SIGTERM) as stop,
        click.progressbar(length=len(ids), label=label, file=sys.stderr, hidden=hidden) as bar,
    ):
        for closed in at_rate(ids, act, rate=rate, stop=stop):
            progress.done.append(closed)
            bar.update(1)


def at_rate(ids: Sequence[str], act: CloseOne, *, rate: float, stop: threading.Event) -> Iterator[CloseResult]:
    """One after the other, none before its time, until `stop` is set."""
    due = time.monotonic()
    for one in ids:
        if stop.wait(max(0.0, due - time.monotonic())):
            return
        due = max(due, time.monotonic() - 1 / rate) + 1 / rate
        yield act(one)


def count_candidates(
    picked: Sequence[Candidate], moves: Callable[[Candidate], bool] = attrgetter("replayable")
) -> dict[str, Any]:
    """What would be met, by reason, agent and user, the most first. `movable` are those that, as far as can be seen
    now, it `moves`: those that a replay does, unless something else is meant."""
    return {
        "dead_letters": len(picked),
        "replayable": sum(map(moves, picked)),
        "closed": sum(not one.is_open for one in picked),
        "by_reason": dict(Counter(one.reason for one in picked).most_common()),
        "by_agent": dict(Counter(one.agent or "-" for one in picked).most_common()),
        "by_user": dict(Counter(one.user_id or "-" for one in picked).most_common()),
    }
