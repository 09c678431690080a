"""What can go wrong in a call of an agent. A provider raises nothing else; what its library raises is translated.

ValueError
 └─ ProviderRefused      at start, never in a call

AgentError
 ├─ TransientError       try again; honours Retry-After
 │   └─ InvalidOutput    try again too; if it lasts, the thought failed as "invalid"
 ├─ PermanentError       trying again cannot help
 └─ Cancelled            nobody waits for the answer any more; no failure of the thought
"""


class ProviderConfigError(ValueError):
    """Raised when the settings ask for a provider that must not or cannot be used. The message is one line."""


class AgentError(Exception):
    """Raised, as one of its subclasses, when a call gave no usable result. The message may be shown to people."""


class TransientError(AgentError):
    """Raised when the same call may well succeed later: time-outs, 429, 5xx, connections.

    `retry_after` is how many seconds the provider asked to wait, None when it did not say.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InvalidOutput(TransientError):  # noqa: N818 (named by what happened, as it reads at the caller's)
    """Raised when the provider answered, but not with what the agent promises to return."""


class PermanentError(AgentError):
    """Raised when the same call would fail again however often it is made: refused keys, refused content."""


class Cancelled(AgentError):  # noqa: N818 (named by what happened, as it reads at the caller's)
    """Raised when the call was fenced while it ran. Whoever catches it writes nothing."""
