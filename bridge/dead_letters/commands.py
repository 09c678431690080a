"""Carries out the commands of `python -m bridge dead-letters`.

Each returns an exit status: 0 done as requested, 1 something was not, 130 stopped by a signal.
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
from bridge.dead_letters.queries import Candidate, Filter
from bridge.dead_letters.replay import CloseResult
from bridge.dead_letters.replay_outcome import replay_outcome
from bridge.kafka.config import require_usable_config
from contracts.cli import INTERRUPTED
from contracts.database import Database
from contracts.settings import Settings
from contracts.visible_text import escape_control_chars

MAX_GROUPS_SHOWN: Final = 20
"""Groups that a dry run prints per title; the rest is counted."""

UNLIMITED_RATE: Final = 1_000_000.0
"""Dead letters per second: as fast as PostgreSQL answers."""

BATCH_MODE_NOTE: Final = (
    "In batch mode nothing consumes the work topic: only thoughts can be replayed, and they wait for the next batch. "
    "`python -m tasks batch` starts one now."
)


@dataclass(frozen=True, slots=True)
class Selection:
    """The dead letters to close, and how the command reports it."""

    criteria: Filter
    dry_run: bool
    as_json: bool

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids that the person gave; empty for a selection by filters."""
        return self.criteria.ids or ()


@dataclass(frozen=True, slots=True)
class CloseAction:
    """A way to close dead letters: the function for each, at most `rate` per second, and its texts."""

    close: Callable[[Database, str], CloseResult]
    can_close: Callable[[Candidate], bool]
    """Whether `close` would succeed now."""
    past_tense: str
    obstacles: str
    """Why `close` may not succeed, for a dry run."""
    rate: float = UNLIMITED_RATE
    note: str = ""
    """Printed to standard error before the command starts."""


def list_page(settings: Settings, criteria: Filter, *, limit: int, offset: int, as_json: bool) -> int:
    """Print a page of dead letters, and on standard error how to get the next page."""
    with console.command_database(settings) as database:
        page = queries.list_dead_letters(database, criteria, rows=limit, skip=offset)
        total = queries.count_dead_letters(database, criteria)
    if as_json:
        console.write_json([letter.to_json() for letter in page])
    else:
        console.write([format_line(letter) for letter in page] or ["No dead letters."])
    if total > len(page):
        shown = offset + len(page)
        next_page = f"; use --offset {shown} for the next page" if shown < total else ""
        console.print_stderr(f"{len(page):,} of {total:,} dead letters shown{next_page}.")
    return 0


def show(settings: Settings, failure_id: str, *, as_json: bool) -> int:
    """Print everything that is known about one dead letter."""
    with console.command_database(settings) as database:
        page = queries.list_dead_letters(database, Filter(ids=(failure_id,)), rows=1)
        contents = queries.fetch_contents(database, failure_id)
        outcome = replay_outcome(database, page[0], contents) if page and contents else ""
    if not page or contents is None:
        console.print_stderr(f"{escape_control_chars(failure_id)}: {replay.NOT_FOUND}")
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
        obstacles=(
            "already closed, too large, without its value, or its thought was deleted or is no longer failed"
            + ("" if kafka else ", or it is a record, which batch mode cannot replay")
        ),
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
        obstacles="already closed",
    )
    return _close(settings, selection, action)


def rebuild_index(settings: Settings, *, as_json: bool) -> int:
    """Restore the index from the topic and print the counts."""
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
    """Write dead letters that the topic has lost to the outbox again, and print the counts."""
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
        candidates = queries.select_candidates(database, selection.criteria)
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
    return 1 if progress.unsuccessful else 0


def _with_unknown(known_ids: list[str], given_ids: tuple[str, ...]) -> list[str]:
    """Append the given ids that are not in the index, each of which is then reported as not found."""
    return [*known_ids, *(failure_id for failure_id in dict.fromkeys(given_ids) if failure_id not in set(known_ids))]


def _print_results(progress: bulk.BulkProgress, selection: Selection, past_tense: str) -> None:
    """Print a line for each given id; for a selection by filters the sum, and a line for each that was not closed."""
    if selection.as_json:
        results = [
            {"failure_id": result.failure_id, "succeeded": result.succeeded, "description": result.description}
            for result in progress.done
        ]
        counts = {"selected": progress.total, past_tense: progress.newly_closed, "remaining": progress.remaining}
        console.write_json(counts | {"results": results})
        return
    shown = progress.done if selection.ids else progress.unsuccessful
    console.write(escape_control_chars(result.line()) for result in shown)
    if not selection.ids:
        console.write([f"{progress.newly_closed:,} of {progress.total:,} dead letters were {past_tense}."])
    if progress.remaining:
        console.print_stderr(f"Stopped: {progress.remaining:,} dead letters were not processed and are unchanged.")


def _print_counts(counts: dict[str, Any], action: CloseAction, *, as_json: bool) -> None:
    if as_json:
        console.write_json(counts)
        return
    selected, closable = counts["dead_letters"], counts["closable"]
    done = action.past_tense
    console.write([f"Dry run, nothing was changed: {closable:,} of {selected:,} dead letters would be {done}."])
    if closable < selected:
        console.write([f"{selected - closable:,} cannot be {done}: {action.obstacles}."])
    for title in ("reason", "agent", "user"):
        groups = list(counts[f"by_{title}"].items())
        console.write(
            f"  {title} {'(none)' if name == '-' else escape_control_chars(name)}: {number:,}"
            for name, number in groups[:MAX_GROUPS_SHOWN]
        )
        if len(groups) > MAX_GROUPS_SHOWN:
            console.write([f"  ... and {len(groups) - MAX_GROUPS_SHOWN:,} more {title}s"])
