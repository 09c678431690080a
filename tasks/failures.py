"""Classifies the errors of an agent call once: retried or final, and under which kind it is reported.

error                                              result
InvalidOutput                                      retried; kind "invalid" after the last attempt
TransientError, timeout, connection, MemoryError   retried; kind "transient" after the last attempt
any other exception                                kind "permanent", at once
the worker died in every allowed call              kind "lost"
PostgreSQL cannot store the result                 kind "invalid", at once

For Cancelled, tasks/step.py decides: a fenced call writes nothing, an overdue call has timed out, and any other is
"permanent".
"""

import math
import random
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from agents.errors import AgentError, InvalidOutput, ServiceError, TransientError
from contracts.dead_letters import MAX_MESSAGE_LENGTH, failure_headers
from contracts.text import clean

FailureKind = Literal["transient", "permanent", "invalid", "lost"]

MAX_BACKOFF_SECONDS: Final = 60.0
MAX_RETRY_AFTER_SECONDS: Final = 3600.0
"""The longest Retry-After that is honoured: the author's later thoughts wait as long. A provider that asks for more is
called again after an hour."""

JITTER: Final = 0.25
"""The largest random addition to a backoff, as a share of it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call returned no result. `message` may be shown to the thought's author; `retry_after` is in seconds."""

    kind: FailureKind
    message: str
    error_class: str
    stack: str = ""
    retriable: bool = False
    retry_after: float | None = None
    is_service: bool = False
    """Whether the model service failed."""

    def error(self, agent: str, attempts: int) -> dict[str, Any]:
        """Return the `error` object of the JSON API."""
        return {"agent": agent, "kind": self.kind, "message": self.message, "attempts": attempts}

    def headers(self, agent: str, attempts: int) -> dict[str, Any]:
        """Return the headers of the dead letter."""
        return failure_headers(
            reason=self.kind,
            error_class=self.error_class,
            message=self.message,
            stack=self.stack,
            agent=agent,
            attempts=attempts,
        )


def classify_error(error: BaseException) -> Failure:
    """Return the failure that an exception raised by an agent stands for."""
    stack, name = _stack(error), _class_name(error)
    if isinstance(error, TransientError):
        kind: FailureKind = "invalid" if isinstance(error, InvalidOutput) else "transient"
        is_service = isinstance(error, ServiceError)
        return Failure(kind, _message(error), name, stack, True, error.retry_after, is_service)
    if isinstance(error, AgentError):
        return Failure("permanent", _message(error), name, stack)
    if isinstance(error, TimeoutError | ConnectionError | MemoryError):
        return Failure("transient", f"The agent was interrupted ({type(error).__name__}).", name, stack, retriable=True)
    return Failure("permanent", f"The agent failed because of a bug ({type(error).__name__}).", name, stack)


def _stack(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def _class_name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _message(error: AgentError) -> str:
    """Return the provider's message in a form that every consumer accepts: JSON also rejects lone surrogates."""
    return str(clean(str(error)))[:MAX_MESSAGE_LENGTH]


def timed_out(seconds: float) -> Failure:
    """Return the failure of a call that was cancelled at its deadline."""
    message = f"The agent did not answer within {seconds:g} s."
    return Failure("transient", message, "TimeoutError", retriable=True)


def too_slow(late: Failure) -> ServiceError:
    """Return the error of a model service that did not answer before the deadline of the call."""
    return ServiceError(late.message, "outage", cure="raise AGENT_TIMEOUT_SECONDS if the model is only slow")


def worker_lost(attempts: int) -> Failure:
    """Return the failure of a step whose allowed calls were all begun, and whose last call ended with its worker."""
    message = f"The worker died during the call, the last time in attempt {attempts}."
    return Failure("lost", message, "WorkerLost")


def unstorable_result(error: BaseException) -> Failure:
    """Return the failure of a result that cannot be serialised, or that PostgreSQL rejects."""
    return Failure("invalid", "The agent's result cannot be stored.", _class_name(error), _stack(error))


def backoff_seconds(
    failure: Failure, attempts: int, base: float, random_fraction: Callable[[], float] = random.random
) -> float:
    """Return how long the next call waits after `attempts` calls: base, 2 x base, 4 x base ..., plus up to JITTER.

    A longer Retry-After replaces the backoff. `random_fraction` returns a number in [0, 1).
    """
    backoff = min(MAX_BACKOFF_SECONDS, base * 2.0 ** (attempts - 1) * (1 + JITTER * random_fraction()))
    retry_after = failure.retry_after or 0.0
    return max(backoff, min(MAX_RETRY_AFTER_SECONDS, retry_after)) if math.isfinite(retry_after) else backoff
