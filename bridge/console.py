"""What the commands for people share: PostgreSQL for the time of a command, and output that is safe for a terminal."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from contracts.database import Database, describe_error, make_engine
from contracts.settings import Settings

STATEMENT_SECONDS: Final = 60.0
"""A statement about all dead letters or a page of users may take long; only the person who ran the command waits for
it."""


@contextmanager
def command_database(settings: Settings) -> Iterator[Database]:
    """Open PostgreSQL for a command. Raises SystemExit with one line when a statement fails."""
    engine = make_engine(settings.database_url, "bridge command", statement_seconds=STATEMENT_SECONDS)
    try:
        yield Database(engine)
    except SQLAlchemyError as error:
        raise SystemExit(f"PostgreSQL is unavailable: {describe_error(error)}") from None
    finally:
        engine.dispose()


def write(lines: Iterable[str]) -> None:
    """Print lines to standard output."""
    for line in lines:
        sys.stdout.write(f"{line}\n")


def write_json(value: Any) -> None:
    """Print a value as one line of JSON to standard output."""
    write([json.dumps(value)])


def print_stderr(line: str) -> None:
    """Print a line to standard error, so that it is not part of the output that a program reads."""
    sys.stderr.write(f"{line}\n")
