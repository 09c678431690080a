"""Defines the errors of agents. A call raises only AgentError: providers translate the errors of their libraries.

ValueError
 └─ ProviderConfigError  raised at start, never by a call

AgentError
 ├─ TransientError       retried; Retry-After is honoured
 │   └─ InvalidOutput    retried as well; if it persists, the thought fails as "invalid"
 ├─ PermanentError       not retried, because the same call would fail again
 └─ Cancelled            the call was fenced, which is no failure of the thought, or it reached its deadline
"""


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


class PermanentError(AgentError):
    """Raised when the same call would always fail again: rejected keys, rejected content."""


class Cancelled(AgentError):  # noqa: N818 (an outcome of a call, named like one)
    """Raised when the call was cancelled while it ran: because it was fenced, or because it reached its deadline."""
