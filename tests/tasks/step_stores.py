"""Calls and results of steps in a ledger, and ledgers with trouble in them."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from tasks.step_store import Claim, Ledger, Step
from tests.eventually import eventually
from tests.tasks.agent_results import a_result


class StoppedAfterClaim:
    """A ledger whose process stands still after the answer to a claim, for as long as something else takes."""

    def __init__(self, ledger: Ledger, meanwhile: Callable[[], object]) -> None:
        self._ledger = ledger
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def claim(self, step: Step, call: UUID) -> Claim | None:
        claim = self._ledger.claim(step, call)
        self._meanwhile()
        return claim


class ShortOfMemory:
    """A ledger whose process has no memory left the first time that something is to be written."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._short = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def save(self, *given: Any, **named: Any) -> bool:
        if self._short:
            self._short = False
            raise MemoryError
        return self._ledger.save(*given, **named)


def stand_still(seconds: float) -> None:
    """As a process that is stopped for so long."""
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > seconds)


def warm(ledger: Ledger) -> None:
    """Let the pool have its connection, and the process know the claim, so that what comes next is one round trip."""
    assert ledger.claim(Step(uuid4(), 1, 1), uuid4()) is None


def begun(ledger: Ledger, step: Step) -> UUID:
    """A call of this step that PostgreSQL has admitted."""
    call = uuid4()
    claim = ledger.claim(step, call)
    assert claim is not None
    assert claim.verdict == "run"
    return call


def save(ledger: Ledger, step: Step, call: UUID, output: dict[str, Any] | None = None, **columns: Any) -> bool:
    return ledger.save(step, call, 1, a_result(output, **columns), seconds=1.5, events=[b"one", b"two"])
