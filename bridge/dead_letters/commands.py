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
from bridge.dead_letters.format import as_json, as_text, line
from bridge.dead_letters.outcome import afterwards
from bridge.dead_letters.queries import Filter, Picked
from contracts.database import Database
from contracts.settings import Settings

USERS_SHOWN: Final = 20
UNBOUND: Final = 1_000_000.0
"""So many a second is as fast as PostgreSQL answers."""

IN_BATCH_MODE: Final = (
    "In batch mode nobody reads the work topic: only thoughts can be replayed, and they wait for the next batch, which "
    "`python -m tasks batch` starts."
)

FILTERS: Final = ("reason", "error_class", "agent", "user", "thought", "since", "text")


@dataclass(frozen=True, slots=True)
class Closing:
    """A way to close dead letters: what is done to each, at most `rate` a second, and the words for it."""

    act: Callable[[Database], bulk.Act]
    moves: Callable[[Picked], bool]
    """Whether it can be done, as far as can be seen."""
    word: str
    stays: str
    """Why it cannot."""
    rate: float = UNBOUND
    note: str = ""


def list_letters(settings: Settings, given: Namespace) -> int:
    """Write a page of them to standard output; what is not on it is noted on standard error."""
    chosen = _filter(given, state=given.state)
    with console.database(settings) as database:
        found = queries.page(database, chosen, rows=given.limit, skip=given.offset)
        total = queries.count(database, chosen)
    if given.json:
        console.write_json([one.to_json() for one in found])
    else:
        console.write([line(one) for one in found] or ["No dead letters."])
    if total > len(found):
        after = given.offset + len(found)
        more = f"; --offset {after} shows the next ones" if after < total else ""
        console.note(f"{len(found):,} of {total:,} dead letters{more}.")
    return 0


def show_letter(settings: Settings, given: Namespace) -> int:
    """Write all that is known of one."""
    with console.database(settings) as database:
        found = queries.page(database, Filter(ids=(given.id,)), rows=1)
        held = queries.contents(database, given.id)
        then = afterwards(database, found[0], held) if found and held else ""
    if not found or held is None:
        console.note(f"{console.plain(given.id)}: {replay.UNKNOWN}")
        return 1
    if given.json:
        console.write_json(as_json(found[0], held, then))
    else:
        console.write(as_text(found[0], held, then))
    return 0


def replay_letters(settings: Settings, given: Namespace) -> int:
    """Replay what is meant, in the order of the old turns."""
    reads = settings.takes_from_kafka
    way = Closing(
        act=lambda database: lambda failure_id: replay.replay(database, settings, failure_id),
        moves=lambda one: one.movable and (reads or one.is_thought),
        word="replayed",
        stays="cannot be: closed, too large or not whole, or of thoughts that moved on or were deleted",
        rate=given.rate,
        note="" if reads else IN_BATCH_MODE,
    )
    return _close(settings, given, way)


def discard_letters(settings: Settings, given: Namespace) -> int:
    """Discard what is meant."""
    way = Closing(
        act=lambda database: lambda failure_id: replay.discard(database, failure_id),
        moves=lambda one: one.is_open,
        word="discarded",
        stays="are closed already",
    )
    return _close(settings, given, way)


def rebuild_index(settings: Settings, given: Namespace) -> int:
    """Restore the index from the topic and say what was found."""
    from bridge.dead_letters.rebuild import rebuild  # few commands read the topic

    check_kafka(settings)
    with console.database(settings) as database:
        found = rebuild(database, settings)
    if given.json:
        console.write_json(found.to_json())
    else:
        console.write([found.line()])
    return 0


def publish_letters(settings: Settings, given: Namespace) -> int:
    """Write to the outbox again what the topic lost, and say what was found."""
    from bridge.dead_letters.republish import publish  # few commands read the topic

    check_kafka(settings)
    with console.database(settings) as database:
        found = publish(database, settings, dry_run=given.dry_run)
    if given.json:
        console.write_json(found.to_json())
    else:
        console.write([found.line(dry_run=given.dry_run)])
    return 0


def _filter(given: Namespace, **more: Any) -> Filter:
    return Filter(**{name: getattr(given, name) for name in FILTERS} | more)


def _meant(given: Namespace) -> Filter | str:
    """Which are meant, or why the words do not say it. Those that are named are looked at in any state."""
    chosen = _filter(given, state="open")
    if given.ids:
        return "Give ids, or filters, or --all." if chosen.chooses or given.all else Filter(ids=tuple(given.ids))
    return chosen if chosen.chooses or given.all else "Give ids or a filter; --all means every open dead letter."


def _close(settings: Settings, given: Namespace, way: Closing) -> int:
    chosen = _meant(given)
    if isinstance(chosen, str):
        console.note(chosen)
        return 2
    if way.note:
        console.note(way.note)
    with console.database(settings) as database:
        picked = queries.pick(database, chosen)
        if given.dry_run:
            _tell_counts(bulk.counts(picked, way.moves), way, as_json=given.json)
            return 0
        known = [one.failure_id for one in picked]
        ids = [*known, *(one for one in dict.fromkeys(chosen.ids or ()) if one not in set(known))]
        work = bulk.Work(len(ids))
        try:
            bulk.carry_out(work, ids, way.act(database), rate=way.rate, label=f"{len(ids):,} dead letters")
        except SQLAlchemyError:
            _tell(work, given, way.word)
            raise
    _tell(work, given, way.word)
    if work.left:
        return 130
    return 1 if work.refused else 0


def _tell(work: bulk.Work, given: Namespace, word: str) -> None:
    """A line for each that was named; of a choice by filters the sum, and those that it was not done to."""
    if given.json:
        results = [{"failure_id": one.failure_id, "done": one.is_done, "what": one.what} for one in work.done]
        console.write_json({"chosen": work.chosen, word: work.new, "left": work.left, "results": results})
        return
    console.write(console.plain(one.line()) for one in (work.done if given.ids else work.refused))
    if not given.ids:
        console.write([f"{work.new:,} of {work.chosen:,} dead letters were {word}."])
    if work.left:
        console.note(f"Stopped: {work.left:,} were not looked at and are as they were.")


def _tell_counts(found: dict[str, Any], way: Closing, *, as_json: bool) -> None:
    if as_json:
        console.write_json(found)
        return
    stays = found["dead_letters"] - found["movable"]
    console.write([f"{found['dead_letters']:,} dead letters would be {way.word}; nothing was changed."])
    if stays:
        console.write([f"{stays:,} of them {way.stays}."])
    for title in ("reason", "agent", "user"):
        group = list(found[f"by_{title}"].items())
        console.write(f"  {title} {console.plain(name)}: {number:,}" for name, number in group[:USERS_SHOWN])
        if len(group) > USERS_SHOWN:
            console.write([f"  ... and {len(group) - USERS_SHOWN:,} more"])
