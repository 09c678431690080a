"""What `python -m bridge dead-letters ...` does. Exit status: 0 all is as it was asked for, 1 something is not, 2 the
words make no sense, 130 stopped by a signal."""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from bridge import console
from bridge.commands import check_kafka
from bridge.dead_letters import bulk, queries, replay
from bridge.dead_letters.format import format_json, format_line, format_text
from bridge.dead_letters.outcome import replay_outcome
from bridge.dead_letters.queries import Candidate, Filter
from contracts.database import Database
from contracts.settings import Settings

MAX_ROWS_SHOWN: Final = 20
UNLIMITED_RATE: Final = 1_000_000.0
"""So many a second is as fast as PostgreSQL answers."""

BATCH_MODE_NOTE: Final = (
    "In batch mode nobody reads the work topic: only thoughts can be replayed, and they wait for the next batch, which "
    "`python -m tasks batch` starts."
)

FILTERS: Final = ("reason", "error_class", "agent", "user", "thought", "since", "text")


@dataclass(frozen=True, slots=True)
class CloseAction:
    """A way to close dead letters: what is done to each, at most `rate` a second, and the words for it."""

    act: Callable[[Database], bulk.CloseOne]
    can_close: Callable[[Candidate], bool]
    """Whether it can be done, as far as can be seen."""
    past_tense: str
    cannot_close: str
    """Why it cannot."""
    rate: float = UNLIMITED_RATE
    note: str = ""


def list_letters(settings: Settings, given: Namespace) -> int:
    """Write a page of them to standard output; what is not on it is noted on standard error."""
    chosen = _filter(given, state=given.state)
    with console.command_database(settings) as database:
        found = queries.list_dead_letters(database, chosen, rows=given.limit, skip=given.offset)
        total = queries.count_dead_letters(database, chosen)
    if given.json:
        console.write_json([one.to_json() for one in found])
    else:
        console.write([format_line(one) for one in found] or ["No dead letters."])
    if total > len(found):
        after = given.offset + len(found)
        more = f"; --offset {after} shows the next ones" if after < total else ""
        console.print_stderr(f"{len(found):,} of {total:,} dead letters{more}.")
    return 0


def show_letter(settings: Settings, given: Namespace) -> int:
    """Write all that is known of one."""
    with console.command_database(settings) as database:
        found = queries.list_dead_letters(database, Filter(ids=(given.id,)), rows=1)
        held = queries.fetch_contents(database, given.id)
        then = replay_outcome(database, found[0], held) if found and held else ""
    if not found or held is None:
        console.print_stderr(f"{console.escape_control_chars(given.id)}: {replay.NOT_FOUND}")
        return 1
    if given.json:
        console.write_json(format_json(found[0], held, then))
    else:
        console.write(format_text(found[0], held, then))
    return 0


def replay_letters(settings: Settings, given: Namespace) -> int:
    """Replay what is meant, in the order of the old turns."""
    reads = settings.consumes_kafka
    way = CloseAction(
        act=lambda database: lambda failure_id: replay.replay(database, settings, failure_id),
        can_close=lambda one: one.replayable and (reads or one.is_thought),
        past_tense="replayed",
        cannot_close="cannot be: closed, too large or not whole, or of thoughts that moved on or were deleted",
        rate=given.rate,
        note="" if reads else BATCH_MODE_NOTE,
    )
    return _close(settings, given, way)


def discard_letters(settings: Settings, given: Namespace) -> int:
    """Discard what is meant."""
    way = CloseAction(
        act=lambda database: lambda failure_id: replay.discard(database, failure_id),
        can_close=lambda one: one.is_open,
        past_tense="discarded",
        cannot_close="are closed already",
    )
    return _close(settings, given, way)


def rebuild_index(settings: Settings, given: Namespace) -> int:
    """Restore the index from the topic and say what was found."""
    from bridge.dead_letters.rebuild import rebuild  # few commands read the topic

    check_kafka(settings)
    with console.command_database(settings) as database:
        found = rebuild(database, settings)
    if given.json:
        console.write_json(found.to_json())
    else:
        console.write([found.line()])
    return 0


def publish_letters(settings: Settings, given: Namespace) -> int:
    """Write to the outbox again what the topic lost, and say what was found."""
    from bridge.dead_letters.republish import republish  # few commands read the topic

    check_kafka(settings)
    with console.command_database(settings) as database:
        found = republish(database, settings, dry_run=given.dry_run)
    if given.json:
        console.write_json(found.to_json())
    else:
        console.write([found.line(dry_run=given.dry_run)])
    return 0


def _filter(given: Namespace, **more: Any) -> Filter:
    return Filter(**{name: getattr(given, name) for name in FILTERS} | more)


def _selection(given: Namespace) -> Filter | str:
    """Which are meant, or why the words do not say it. Those that are named are looked at in any state."""
    chosen = _filter(given, state="open")
    if given.ids:
        return "Give ids, or filters, or --all." if chosen.is_selective or given.all else Filter(ids=tuple(given.ids))
    return chosen if chosen.is_selective or given.all else "Give ids or a filter; --all means every open dead letter."


def _close(settings: Settings, given: Namespace, way: CloseAction) -> int:
    chosen = _selection(given)
    if isinstance(chosen, str):
        console.print_stderr(chosen)
        return 2
    if way.note:
        console.print_stderr(way.note)
    with console.command_database(settings) as database:
        picked = queries.select_candidates(database, chosen)
        if given.dry_run:
            _print_counts(bulk.count_candidates(picked, way.can_close), way, as_json=given.json)
            return 0
        known = [one.failure_id for one in picked]
        ids = [*known, *(one for one in dict.fromkeys(chosen.ids or ()) if one not in set(known))]
        work = bulk.BulkProgress(len(ids))
        try:
            bulk.run_bulk(work, ids, way.act(database), rate=way.rate, label=f"{len(ids):,} dead letters")
        except SQLAlchemyError:
            _print_results(work, given, way.past_tense)
            raise
    _print_results(work, given, way.past_tense)
    if work.remaining:
        return 130
    return 1 if work.refused else 0


def _print_results(work: bulk.BulkProgress, given: Namespace, word: str) -> None:
    """A line for each that was named; of a choice by filters the sum, and those that it was not done to."""
    if given.json:
        results = [{"failure_id": one.failure_id, "done": one.succeeded, "what": one.description} for one in work.done]
        console.write_json({"chosen": work.total, word: work.newly_closed, "left": work.remaining, "results": results})
        return
    console.write(console.escape_control_chars(one.line()) for one in (work.done if given.ids else work.refused))
    if not given.ids:
        console.write([f"{work.newly_closed:,} of {work.total:,} dead letters were {word}."])
    if work.remaining:
        console.print_stderr(f"Stopped: {work.remaining:,} were not looked at and are as they were.")


def _print_counts(found: dict[str, Any], way: CloseAction, *, as_json: bool) -> None:
    if as_json:
        console.write_json(found)
        return
    stays = found["dead_letters"] - found["replayable"]
    console.write([f"{found['dead_letters']:,} dead letters would be {way.past_tense}; nothing was changed."])
    if stays:
        console.write([f"{stays:,} of them {way.cannot_close}."])
    for title in ("reason", "agent", "user"):
        group = list(found[f"by_{title}"].items())
        console.write(
            f"  {title} {console.escape_control_chars(name)}: {number:,}" for name, number in group[:MAX_ROWS_SHOWN]
        )
        if len(group) > MAX_ROWS_SHOWN:
            console.write([f"  ... and {len(group) - MAX_ROWS_SHOWN:,} more"])
