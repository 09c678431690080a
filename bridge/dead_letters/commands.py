"""What the commands of `python -m bridge dead-letters` do.

They return exit statuses: 0 everything is as requested, 1 something is not, 130 stopped by a signal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from bridge import console
from bridge.dead_letters import bulk, queries, replay
from bridge.dead_letters.format import format_json, format_line, format_text
from bridge.dead_letters.outcome import replay_outcome
from bridge.dead_letters.queries import Candidate, Filter
from bridge.dead_letters.replay import CloseResult
from bridge.kafka.config import require_usable_config
from contracts.cli import INTERRUPTED
from contracts.database import Database
from contracts.settings import Settings

MAX_ROWS_SHOWN: Final = 20
UNLIMITED_RATE: Final = 1_000_000.0
"""Per second: as fast as PostgreSQL answers."""

BATCH_MODE_NOTE: Final = (
    "In batch mode nothing consumes the work topic: only thoughts can be replayed, and they wait for the next batch. "
    "`python -m tasks batch` starts one now."
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters are to be closed, and how the command answers."""

    chosen: Filter
    dry_run: bool
    as_json: bool

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids that were named; empty for a selection by filters."""
        return self.chosen.ids or ()


@dataclass(frozen=True, slots=True)
class CloseAction:
    """A way to close dead letters: what is done to each, at most `rate` per second, and its words."""

    close: Callable[[Database, str], CloseResult]
    can_close: Callable[[Candidate], bool]
    """Whether it can be done, as far as can be seen now."""
    past_tense: str
    cannot_close: str
    """Why it cannot."""
    rate: float = UNLIMITED_RATE
    note: str = ""


def list_page(settings: Settings, chosen: Filter, *, limit: int, offset: int, as_json: bool) -> int:
    """Print a page of dead letters; what follows it is noted on standard error."""
    with console.command_database(settings) as database:
        page = queries.list_dead_letters(database, chosen, rows=limit, skip=offset)
        total = queries.count_dead_letters(database, chosen)
    if as_json:
        console.write_json([letter.to_json() for letter in page])
    else:
        console.write([format_line(letter) for letter in page] or ["No dead letters."])
    if total > len(page):
        shown = offset + len(page)
        more = f"; --offset {shown} shows the next ones" if shown < total else ""
        console.print_stderr(f"{len(page):,} of {total:,} dead letters{more}.")
    return 0


def show(settings: Settings, failure_id: str, *, as_json: bool) -> int:
    """Print everything that is known of one dead letter."""
    with console.command_database(settings) as database:
        page = queries.list_dead_letters(database, Filter(ids=(failure_id,)), rows=1)
        contents = queries.fetch_contents(database, failure_id)
        outcome = replay_outcome(database, page[0], contents) if page and contents else ""
    if not page or contents is None:
        console.print_stderr(f"{console.escape_control_chars(failure_id)}: {replay.NOT_FOUND}")
        return 1
    if as_json:
        console.write_json(format_json(page[0], contents, outcome))
    else:
        console.write(format_text(page[0], contents, outcome))
    return 0


def replay_selected(settings: Settings, selection: Selection, *, rate: float) -> int:
    """Replay the selected dead letters, in the order of their former turns."""
    kafka = settings.consumes_kafka
    action = CloseAction(
        close=partial(replay.replay, settings=settings),
        can_close=lambda candidate: candidate.replayable and (kafka or candidate.is_thought),
        past_tense="replayed",
        cannot_close="cannot be: closed, too large, incomplete, or their thought was deleted or has moved on",
        rate=rate,
        note="" if kafka else BATCH_MODE_NOTE,
    )
    return _close(settings, selection, action)


def discard_selected(settings: Settings, selection: Selection) -> int:
    """Discard the selected dead letters."""
    action = CloseAction(
        close=replay.discard,
        can_close=attrgetter("is_open"),
        past_tense="discarded",
        cannot_close="are closed already",
    )
    return _close(settings, selection, action)


def rebuild_index(settings: Settings, *, as_json: bool) -> int:
    """Restore the index from the topic and print what was found."""
    from bridge.dead_letters.rebuild import rebuild  # few commands read the topic

    require_usable_config(settings)
    with console.command_database(settings) as database:
        result = rebuild(database, settings)
    if as_json:
        console.write_json(result.to_json())
    else:
        console.write([result.line()])
    return 0


def republish_lost(settings: Settings, *, dry_run: bool, as_json: bool) -> int:
    """Write to the outbox again what the topic has lost, and print what was found."""
    from bridge.dead_letters.republish import republish  # few commands read the topic

    require_usable_config(settings)
    with console.command_database(settings) as database:
        result = republish(database, settings, dry_run=dry_run)
    if as_json:
        console.write_json(result.to_json())
    else:
        console.write([result.line(dry_run=dry_run)])
    return 0


def _close(settings: Settings, selection: Selection, action: CloseAction) -> int:
    if action.note:
        console.print_stderr(action.note)
    with console.command_database(settings) as database:
        candidates = queries.select_candidates(database, selection.chosen)
        if selection.dry_run:
            _print_counts(bulk.count_candidates(candidates, action.can_close), action, as_json=selection.as_json)
            return 0
        ids = _with_unknown([candidate.failure_id for candidate in candidates], selection.ids)
        progress = bulk.BulkProgress(len(ids))
        try:
            close = partial(action.close, database)
            bulk.run_bulk(progress, ids, close, rate=action.rate, label=f"{len(ids):,} dead letters")
        except SQLAlchemyError:
            _print_results(progress, selection, action.past_tense)
            raise
    _print_results(progress, selection, action.past_tense)
    if progress.remaining:
        return INTERRUPTED
    return 1 if progress.refused else 0


def _with_unknown(known: list[str], named: tuple[str, ...]) -> list[str]:
    """The known ids, then the named ones that are not known: each of those is reported as not found."""
    return [*known, *(failure_id for failure_id in dict.fromkeys(named) if failure_id not in set(known))]


def _print_results(progress: bulk.BulkProgress, selection: Selection, past_tense: str) -> None:
    """A line for each that was named; for a selection by filters the sum, and those that were refused."""
    if selection.as_json:
        results = [
            {"failure_id": result.failure_id, "done": result.succeeded, "what": result.description}
            for result in progress.done
        ]
        counts = {"chosen": progress.total, past_tense: progress.newly_closed, "left": progress.remaining}
        console.write_json(counts | {"results": results})
        return
    shown = progress.done if selection.ids else progress.refused
    console.write(console.escape_control_chars(result.line()) for result in shown)
    if not selection.ids:
        console.write([f"{progress.newly_closed:,} of {progress.total:,} dead letters were {past_tense}."])
    if progress.remaining:
        console.print_stderr(f"Stopped: {progress.remaining:,} were not processed and are unchanged.")


def _print_counts(counts: dict[str, Any], action: CloseAction, *, as_json: bool) -> None:
    if as_json:
        console.write_json(counts)
        return
    refused = counts["dead_letters"] - counts["replayable"]
    console.write([f"{counts['dead_letters']:,} dead letters would be {action.past_tense}; nothing was changed."])
    if refused:
        console.write([f"{refused:,} of them {action.cannot_close}."])
    for title in ("reason", "agent", "user"):
        groups = list(counts[f"by_{title}"].items())
        console.write(
            f"  {title} {console.escape_control_chars(name)}: {number:,}" for name, number in groups[:MAX_ROWS_SHOWN]
        )
        if len(groups) > MAX_ROWS_SHOWN:
            console.write([f"  ... and {len(groups) - MAX_ROWS_SHOWN:,} more"])
