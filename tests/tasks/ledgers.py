"""Ledgers with trouble in them, and one that is ready for a single round trip."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from tasks.ledger import Claim, Ledger, Step
from tests.eventually import eventually


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
