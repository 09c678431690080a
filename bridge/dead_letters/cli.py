"""Defines the command line of `python -m bridge dead-letters`: its commands, options and their allowed values."""

import math
import re
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

import click

from bridge.dead_letters import commands
from bridge.dead_letters.queries import STATES, Filter
from contracts.cli import with_settings
from contracts.settings import Settings
from contracts.text import clean

PAGE_SIZE: Final = 50
"""Dead letters on a page of `list`."""

MAX_NUMBER: Final = 1_000_000
REPLAYS_PER_SECOND: Final = 20.0
"""Each replayed thought costs up to one call per agent: this keeps many workers busy without overloading a provider."""

UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

Command = TypeVar("Command", bound=Callable[..., Any])


class Since(click.ParamType[datetime]):
    """An ISO time (UTC unless it names another zone), or an age such as 90m, 2h or 3d."""

    name = "when"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            if age := re.fullmatch(r"(\d{1,6})([smhdw])", value):
                return datetime.now(UTC) - timedelta(**{UNITS[age[2]]: int(age[1])})
            time = datetime.fromisoformat(value)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is neither an ISO time nor an age such as 90m, 2h or 3d", param, ctx)
        return time if time.tzinfo else time.replace(tzinfo=UTC)


class Text(click.ParamType[str]):
    """A text that PostgreSQL can compare: without NUL and lone surrogates."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002 - click's signature
        return str(clean(value))


class Rate(click.FloatRange):
    """A number per second; rejects NaN, which click's range accepts."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        rate = float(super().convert(value, param, ctx))
        if math.isnan(rate):
            self.fail(f"{value!r} is not a number", param, ctx)
        return rate


def _as_text(context: click.Context, parameter: click.Parameter, value: UUID | None) -> str | None:  # noqa: ARG001 - click's signature
    return None if value is None else str(value)


JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
DRY_RUN: Final = click.option("--dry-run", is_flag=True, help="Only count the dead letters; change nothing.")
FILTERS: Final = (
    click.option("--reason", type=Text(), help="transient, permanent, invalid, lost, unreadable, unknown-user ..."),
    click.option("--error-class", type=Text(), metavar="CLASS", help="The error's class, with or without its module."),
    click.option("--agent", type=Text(), help="The name of the agent that failed."),
    click.option("--user", type=click.UUID, callback=_as_text, help="The id of the thought's author."),
    click.option("--thought", type=click.UUID, callback=_as_text, help="The thought's id, as in its page's address."),
    click.option("--since", type=Since(), help="An ISO time, or an age such as 90m, 2h or 3d."),
    click.option("--text", type=Text(), help="A part of the thought's text or of the record's value."),
)
SELECTION: Final = (
    click.argument("ids", nargs=-1, type=Text(), metavar="[ID]..."),
    *FILTERS,
    click.option("--all", "everything", is_flag=True, help="All open dead letters; required without ids and filters."),
    DRY_RUN,
    JSON,
)


def _with(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return a decorator that adds the options in the given order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@click.group("dead-letters")
def dead_letters() -> None:
    """Inspect, replay or discard dead letters."""


@dead_letters.command("list")
@_with(*FILTERS)
@click.option(
    "--state", type=click.Choice(STATES), default="open", show_default=True, help="Only dead letters in this state."
)
@click.option("--all", "everything", is_flag=True, help="Dead letters in every state.")
@click.option("--limit", type=click.IntRange(1, MAX_NUMBER), default=PAGE_SIZE, show_default=True, help="Rows shown.")
@click.option("--offset", type=click.IntRange(0, MAX_NUMBER), default=0, show_default=True, help="Rows skipped.")
@JSON
@with_settings
def list_command(
    settings: Settings, /, *, state: str, everything: bool, limit: int, offset: int, as_json: bool, **filters: Any
) -> int:
    """List dead letters, newest first.

    Each line: id, time, state, reason, agent, error message.
    """
    criteria = _filter(filters, state=None if everything else state)
    return commands.list_page(settings, criteria, limit=limit, offset=offset, as_json=as_json)


@dead_letters.command()
@click.argument("failure_id", type=Text(), metavar="ID")
@JSON
@with_settings
def show(settings: Settings, *, failure_id: str, as_json: bool) -> int:
    """Show one dead letter with its headers, stack trace and value."""
    return commands.show(settings, failure_id, as_json=as_json)


@dead_letters.command()
@_with(*SELECTION)
@click.option(
    "--rate",
    type=Rate(0.001, MAX_NUMBER),
    default=REPLAYS_PER_SECOND,
    show_default=True,
    help="Maximum number of replays per second.",
)
@with_settings
def replay(settings: Settings, /, *, rate: float, **selection: Any) -> int:
    """Process dead letters again.

    A thought goes to the end of its user's line and resumes at the failed step; a record that never became a
    thought is written to the work topic again.
    """
    return commands.replay_selected(settings, _selection(**selection), rate=rate)


@dead_letters.command()
@_with(*SELECTION)
@with_settings
def discard(settings: Settings, /, **selection: Any) -> int:
    """Close dead letters without a replay; a failed thought stays failed."""
    return commands.discard_selected(settings, _selection(**selection))


@dead_letters.command()
@JSON
@with_settings
def rebuild(settings: Settings, *, as_json: bool) -> int:
    """Restore missing rows of the index from the dead letter topic."""
    return commands.rebuild_index(settings, as_json=as_json)


@dead_letters.command()
@DRY_RUN
@JSON
@with_settings
def republish(settings: Settings, *, dry_run: bool, as_json: bool) -> int:
    """Publish dead letters again that the topic has lost."""
    return commands.republish_lost(settings, dry_run=dry_run, as_json=as_json)


def _filter(options: dict[str, Any], **values: Any) -> Filter:
    names = {field.name for field in fields(Filter)}
    return Filter(**{name: value for name, value in options.items() if name in names} | values)


def _selection(
    *, ids: tuple[str, ...], everything: bool, dry_run: bool, as_json: bool, **filters: Any
) -> commands.Selection:
    """Return the dead letters to close: the ids in any state, or the open ones that match the filters.

    Raises UsageError when the arguments give neither or both.
    """
    criteria = _filter(filters, state="open")
    if ids and (criteria.is_selective or everything):
        raise click.UsageError("Give either ids, or filters, or --all.")
    if not (ids or criteria.is_selective or everything):
        raise click.UsageError("Give ids, filters, or --all for every open dead letter.")
    return commands.Selection(Filter(ids=ids) if ids else criteria, dry_run=dry_run, as_json=as_json)
