"""What the execution of a step ends in, and so what Celery does next with its message."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advance:
    """The step is saved. Celery sends the next step of the chain."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The message has no effect and its chain stops: another worker owns the thought, or the thought has ended."""

    reason: str


@dataclass(frozen=True, slots=True)
class Requeue:
    """The message is delivered again after `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The thought has failed and its dead letter is in the outbox. `kind` is a tasks.failures.FailureKind."""

    kind: str


StepOutcome = Advance | Drop | Requeue | Failed
