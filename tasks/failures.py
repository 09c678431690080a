"""Errors of a call, sorted once: what is tried again, what is final, and what is told of it.

Cancelled                                          nobody waits: nothing is written
InvalidOutput                                      retried; "invalid" when it lasts
TransientError, time-out, connection, MemoryError  retried; "transient" when it lasts
anything else                                      "permanent" at once
a worker died in every call                        "lost"
a result that cannot be stored                     "invalid" at once
"""

import math
import random
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from agents.errors import AgentError, InvalidOutput, TransientError
from contracts.dead_letters import MAX_MESSAGE_LENGTH, failure_headers
from contracts.text import clean

FailureKind = Literal["transient", "permanent", "invalid", "lost"]

MAX_BACKOFF_SECONDS: Final = 60.0
MAX_RETRY_AFTER_SECONDS: Final = 3600.0
"""Seconds. A provider that asks for more is asked again after an hour; its author's later thoughts wait as long."""

JITTER: Final = 0.25


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call gave no result. `message` may be shown to the thought's author."""

    kind: FailureKind
    message: str
    error_class: str
    stack: str = ""
    retriable: bool = False
    retry_after: float | None = None

    def error(self, agent: str, attempts: int) -> dict[str, Any]:
        """The `error` object of the HTTP contract."""
        return {"agent": agent, "kind": self.kind, "message": self.message, "attempts": attempts}

    def headers(self, agent: str, attempts: int) -> dict[str, Any]:
        """The dead letter's headers."""
        return failure_headers(
            reason=self.kind,
            error_class=self.error_class,
            message=self.message,
            stack=self.stack,
            agent=agent,
            attempts=attempts,
        )


def classify_error(error: BaseException) -> Failure:
    """Decide what an exception that left the agent means."""
    stack, name = _stack(error), _class_name(error)
    if isinstance(error, TransientError):
        kind: FailureKind = "invalid" if isinstance(error, InvalidOutput) else "transient"
        return Failure(kind, _message(error), name, stack, retriable=True, retry_after=error.retry_after)
    if isinstance(error, AgentError):
        return Failure("permanent", _message(error), name, stack)
    if isinstance(error, TimeoutError | ConnectionError | MemoryError):
        return Failure("transient", f"The agent was interrupted ({type(error).__name__}).", name, stack, retriable=True)
    return Failure("permanent", f"The agent has a fault of its own ({type(error).__name__}).", name, stack)


def _stack(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def _class_name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _message(error: AgentError) -> str:
    """What the provider says, as every reader of it can take it: the event's JSON refuses lone surrogates as well."""
    return str(clean(str(error)))[:MAX_MESSAGE_LENGTH]


def timed_out(seconds: float) -> Failure:
    """The call was given up at its deadline."""
    message = f"The agent did not answer within {seconds:g} s."
    return Failure("transient", message, "TimeoutError", retriable=True)


def worker_lost(attempts: int) -> Failure:
    """Every call allowed was begun, and the last one ended with its worker."""
    message = f"The worker died during the call, the last time in attempt {attempts}."
    return Failure("lost", message, "WorkerLost")


def unstorable_result(error: BaseException) -> Failure:
    """The result cannot be written down, or PostgreSQL does not take its data."""
    return Failure("invalid", "The agent's result cannot be stored.", _class_name(error), _stack(error))


def backoff_seconds(failure: Failure, attempts: int, base: float, chance: Callable[[], float] = random.random) -> float:
    """How long the next call waits after `attempts` calls: base, twice, four times ..., up to a quarter more by chance.

    A Retry-After that is longer wins.
    """
    wait = min(MAX_BACKOFF_SECONDS, base * 2.0 ** (attempts - 1) * (1 + JITTER * chance()))
    asked = failure.retry_after or 0.0
    return max(wait, min(MAX_RETRY_AFTER_SECONDS, asked)) if math.isfinite(asked) else wait
