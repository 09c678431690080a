"""Calls and results of steps in a step_store, and ledgers with trouble in them."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from tasks.step_store import Claim, Step, StepStore
from tests.eventually import eventually
from tests.tasks.agent_results import a_result


class StoppedAfterClaim:
    """A step_store whose process stands still after the answer to a claim, for as long as something else takes."""

    def __init__(self, store: StepStore, meanwhile: Callable[[], object]) -> None:
        self._store = store
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def claim(self, step: Step, call: UUID) -> Claim | None:
        claim = self._store.claim(step, call)
        self._meanwhile()
        return claim


class ShortOfMemory:
    """A step_store whose process has no memory left the first time that something is to be written."""

    def __init__(self, store: StepStore) -> None:
        self._store = store
        self._short = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def save(self, *given: Any, **named: Any) -> bool:
        if self._short:
            self._short = False
            raise MemoryError
        return self._store.save(*given, **named)


def stand_still(seconds: float) -> None:
    """As a process that is stopped for so long."""
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > seconds)


def warm(step_store: StepStore) -> None:
    """Let the pool have its connection, and the process know the claim, so that what comes next is one round trip."""
    assert step_store.claim(Step(uuid4(), 1, 1), uuid4()) is None


def claimed_call(step_store: StepStore, step: Step) -> UUID:
    """A call of this step that PostgreSQL has admitted."""
    call = uuid4()
    claim = step_store.claim(step, call)
    assert claim is not None
    assert claim.result == "run"
    return call


def save(step_store: StepStore, step: Step, call: UUID, output: dict[str, Any] | None = None, **columns: Any) -> bool:
    return step_store.save(step, call, 1, a_result(output, **columns), seconds=1.5, events=[b"one", b"two"])
