"""Opens PostgreSQL for the commands of `python -m webapp`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from contracts.database import Database, exit_on_database_error, make_engine
from contracts.settings import Settings

STATEMENT_SECONDS: Final = 60.0
"""Only the person who ran the command waits for a slow statement."""


@contextmanager
def command_database(settings: Settings) -> Iterator[Database]:
    """Open PostgreSQL for a command. Raises SystemExit with one line when a statement fails."""
    engine = make_engine(settings.database_url, "web command", statement_seconds=STATEMENT_SECONDS)
    try:
        with exit_on_database_error():
            yield Database(engine)
    finally:
        engine.dispose()
