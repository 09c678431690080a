"""Repeats a worker's statements until PostgreSQL answers, so that no exception of PostgreSQL ends a step."""

import logging
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from contracts.database import database_trouble, is_rejected_data
from contracts.retry import retry
from contracts.trouble_log import log_trouble

log = logging.getLogger(__name__)

T = TypeVar("T")

STATEMENT_RETRY_DELAYS: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds between retries of a statement while PostgreSQL is unavailable; the last delay repeats without limit."""


class ShuttingDownError(Exception):
    """Raised when PostgreSQL is unavailable, the process is shutting down and no agent was called yet: another worker
    takes the message."""


class StatementRetry:
    """Repeats statements. `shutting_down` returns whether this process accepts no more work."""

    def __init__(self, sleep: Callable[[float], None], shutting_down: Callable[[], bool]) -> None:
        self._sleep = sleep
        self._shutting_down = shutting_down

    def before_call(self, statement: Callable[[], T]) -> T:
        """Repeat a statement until PostgreSQL answers, while no agent has been called yet.

        A process that is shutting down repeats the statement once before it raises ShuttingDownError: a claim whose
        answer was lost may have been granted, and until its lease expires no other worker could claim the step.
        """
        return self.until_answered(statement, shutting_down=self._shutting_down)

    def until_answered(self, statement: Callable[[], T], shutting_down: Callable[[], bool] = lambda: False) -> T:
        """Repeat a statement until PostgreSQL answers. Raises SQLAlchemyError only when PostgreSQL rejects the data.

        A MemoryError is retried as well, because the thought that meets it did not cause it.
        """
        earlier_errors: list[Exception] = []

        def give_up_or_log(error: Exception, delay: float) -> None:
            if earlier_errors and shutting_down():
                raise ShuttingDownError from error
            earlier_errors.append(error)
            trouble = database_trouble(error)
            if isinstance(error, MemoryError):
                trouble = trouble._replace(state="Memory is exhausted")
            log_trouble(log, trouble, f"retrying in {delay:g} s")

        return retry(
            statement,
            errors=(SQLAlchemyError, MemoryError),
            is_transient=lambda error: not is_rejected_data(error),
            delays=retry_delays(),
            on_retry=give_up_or_log,
            sleep=self._sleep,
        )


def retry_delays() -> Iterator[float]:
    """Yield the seconds before each repetition, without end."""
    yield from STATEMENT_RETRY_DELAYS
    while True:
        yield STATEMENT_RETRY_DELAYS[-1]
