"""Defines the errors of agents. A call raises only AgentError: providers translate the errors of their libraries.

ValueError
 └─ ProviderConfigError  raised at start, never by a call

AgentError
 ├─ TransientError       retried; Retry-After is honoured
 │   ├─ InvalidOutput    retried as well; if it persists, the thought fails as "invalid"
 │   └─ ServiceError     the model service failed, which may concern all thoughts: the work waits
 ├─ PermanentError       not retried, because the same call would fail again
 └─ Cancelled            the call was fenced, which is no failure of the thought, or it reached its deadline
"""

from typing import Final, Literal

ServiceCause = Literal["outage", "rate_limited", "refused_key", "unknown_model", "quota"]
"""Why a model service gave no answer:

- `outage`: it cannot be reached, is overloaded, failed or was too slow. One such error may also concern the call alone.
- `rate_limited`: it is healthy but busy, and asked to wait.
- `refused_key`, `unknown_model`, `quota`: no call can succeed until a person changes something.
"""

NEEDS_A_PERSON: Final = frozenset[ServiceCause]({"refused_key", "unknown_model", "quota"})


class ProviderConfigError(ValueError):
    """Raised when the provider that the settings select is unknown or not allowed. The message is one line."""


class AgentError(Exception):
    """Raised, as one of its subclasses, when a call gave no usable result. The message may be shown to the author."""


class TransientError(AgentError):
    """Raised when the same call may succeed later: timeouts, HTTP 429 and 5xx, connection errors.

    `retry_after` is the number of seconds that the provider asked to wait, or None when it did not ask.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InvalidOutput(TransientError):  # noqa: N818 (an outcome of a call, named like one)
    """Raised when the provider answered, but its answer does not match the agent's output model."""


class ServiceError(TransientError):
    """Raised when the model service failed, and not necessarily this call.

    `cure` says what an operator can do, in one sentence that names the setting; empty when waiting is all. It may name
    settings and addresses, but never holds a key. The author is shown `message` only.
    """

    def __init__(self, message: str, cause: ServiceCause, *, retry_after: float | None = None, cure: str = "") -> None:
        super().__init__(message, retry_after)
        self.cause = cause
        self.cure = cure

    @property
    def explanation(self) -> str:
        """What happened and what an operator can do."""
        return f"{self} ({self.cure})" if self.cure else str(self)


class PermanentError(AgentError):
    """Raised when the same call would always fail again: rejected content, a context that is too long."""


class Cancelled(AgentError):  # noqa: N818 (an outcome of a call, named like one)
    """Raised when the call was cancelled while it ran: because it was fenced, or because it reached its deadline."""
