"""What the commands that people type share: PostgreSQL for their time, and lines that cannot harm a terminal."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from contracts.database import Database, describe_error, make_engine
from contracts.settings import Settings

STATEMENT_SECONDS: Final = 60.0
"""All dead letters at once may take long; nobody waits for it but who asked."""


@contextmanager
def command_database(settings: Settings) -> Iterator[Database]:
    """PostgreSQL; an error of it ends the command with one line."""
    engine = make_engine(settings.database_url, "bridge command", statement_seconds=STATEMENT_SECONDS)
    try:
        yield Database(engine)
    except SQLAlchemyError as away:
        raise SystemExit(f"PostgreSQL did not answer: {describe_error(away)}") from None
    finally:
        engine.dispose()


def write(lines: Iterable[str]) -> None:
    """To standard output."""
    for line in lines:
        sys.stdout.write(f"{line}\n")


def write_json(value: Any) -> None:
    """One line of JSON to standard output."""
    write([json.dumps(value)])


def print_stderr(line: str) -> None:
    """To standard error, where it does not disturb who reads the output."""
    sys.stderr.write(f"{line}\n")


def escape_control_chars(words: str) -> str:
    """What a terminal shows as it is: others' bytes must not move its cursor or start another line."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in words)
