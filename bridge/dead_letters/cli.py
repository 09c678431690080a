"""The command line of `python -m bridge dead-letters`: which words there are, and what each of them may hold."""

import argparse
import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from bridge.dead_letters import commands
from bridge.dead_letters.queries import STATES
from contracts.text import clean

PAGE: Final = 50
REPLAYS_A_SECOND: Final = 20.0
"""A thought takes five calls: so many a second keep a good number of workers busy and a provider alive."""

UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[ArgumentParser]  # noqa: SLF001  argparse has no other name for it


def add(names: "Subcommands") -> None:
    """Add the commands to the parser of the bridge."""
    letters = names.add_parser("dead-letters", help="what could not be done: look, replay, discard, rebuild, publish")
    inner = letters.add_subparsers(required=True, metavar="COMMAND")
    _list(inner)
    _show(inner)
    _replay(inner)
    _discard(inner)
    _add(inner, "rebuild", commands.rebuild_index, "restore rows of the index from the dead letter topic")
    about = "send to the dead letter topic again what it lost, as when it was made anew"
    again = _add(inner, "publish", commands.publish_letters, about)
    again.add_argument("--dry-run", action="store_true", help="count what is missing and change nothing")


def _list(names: "Subcommands") -> None:
    shown = _add(names, "list", commands.list_letters, "show open dead letters, newest first")
    _add_filters(shown)
    which = shown.add_mutually_exclusive_group()
    which.add_argument("--state", choices=STATES, default="open", help="default: open")
    which.add_argument("--all", action="store_const", const=None, dest="state", help="those of every state")
    shown.add_argument("--limit", type=_number(int, 1), default=PAGE, metavar="N", help=f"a page of N; default: {PAGE}")
    shown.add_argument("--offset", type=_number(int, 0), default=0, metavar="N", help="leave out the newest N")


def _show(names: "Subcommands") -> None:
    shown = _add(names, "show", commands.show_letter, "print everything that is known of one")
    shown.add_argument("id", type=clean, metavar="ID", help="failure id, as the list shows it")


def _replay(names: "Subcommands") -> None:
    about = "put failed thoughts at the end of their line, and records back into the work topic"
    again = _add(names, "replay", commands.replay_letters, about)
    _add_choice(again)
    again.add_argument(
        "--rate",
        type=_number(float, 0.001),
        default=REPLAYS_A_SECOND,
        metavar="N",
        help=f"at most N a second; default: {REPLAYS_A_SECOND:g}",
    )


def _discard(names: "Subcommands") -> None:
    _add_choice(_add(names, "discard", commands.discard_letters, "close dead letters for good: nothing is to be done"))


def _add(names: "Subcommands", name: str, command: Callable[..., int], about: str) -> ArgumentParser:
    found = names.add_parser(name, help=about, description=about)
    found.set_defaults(command=command)
    found.add_argument("--json", action="store_true", help="JSON on standard output")
    return found


def _add_choice(parser: ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", type=clean, metavar="ID", help="failure ids, as the list shows them")
    _add_filters(parser)
    parser.add_argument(
        "--all", action="store_true", help="every open one; needed where neither id nor filter is given"
    )
    parser.add_argument("--dry-run", action="store_true", help="count what is meant and change nothing")


def _add_filters(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--reason", type=clean, help="transient, permanent, invalid, lost, unreadable, unknown-user ..."
    )
    parser.add_argument("--error-class", type=clean, metavar="CLASS", help="with its module or without")
    parser.add_argument("--agent", type=clean, help="the agent that failed")
    parser.add_argument("--user", type=_id, metavar="UUID", help="the thought's author")
    parser.add_argument("--thought", type=_id, metavar="UUID", help="the thought, as its page is named")
    parser.add_argument("--since", type=_since, metavar="WHEN", help="an ISO time, or an age such as 90m, 2h or 3d")
    parser.add_argument("--text", type=clean, help="a part of the thought's text, or of the record's value")


def _id(word: str) -> str:
    try:
        return str(UUID(word))
    except ValueError:
        raise ArgumentTypeError(f"{word!r} is no UUID") from None


def _since(word: str) -> datetime:
    try:
        if age := re.fullmatch(r"(\d{1,6})([smhdw])", word):
            return datetime.now(UTC) - timedelta(**{UNITS[age[2]]: int(age[1])})
        when = datetime.fromisoformat(word)
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"{word!r} is neither an ISO time nor an age such as 90m, 2h or 3d") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _number(kind: type[int] | type[float], least: float) -> Callable[[str], float]:
    def read(word: str) -> float:
        try:
            found = kind(word)
        except ValueError:
            raise ArgumentTypeError(f"{word!r} is no number") from None
        if not least <= found <= 1_000_000:
            raise ArgumentTypeError(f"{word} is not between {least:g} and 1,000,000")
        return found

    return read
