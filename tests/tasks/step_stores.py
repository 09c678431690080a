"""Calls and results of steps in PostgreSQL, and step stores with faults."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from tasks.step_store import Claim, Step, StepStore
from tests.eventually import eventually
from tests.tasks.agent_results import make_result


class PausedAfterClaim:
    """A step store that runs `meanwhile` after each claim, as if the process had been suspended in that time."""

    def __init__(self, store: StepStore, meanwhile: Callable[[], object]) -> None:
        self._store = store
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def claim(self, step: Step, call: UUID) -> Claim | None:
        claim = self._store.claim(step, call)
        self._meanwhile()
        return claim


class OutOfMemoryOnFirstSave:
    """A step store whose first save raises MemoryError."""

    def __init__(self, store: StepStore) -> None:
        self._store = store
        self._is_first = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def save(self, *args: Any, **kwargs: Any) -> bool:
        if self._is_first:
            self._is_first = False
            raise MemoryError
        return self._store.save(*args, **kwargs)


def block_for(seconds: float) -> None:
    """Block the thread, as if its process had been suspended for that long."""
    started_at = time.monotonic()
    eventually(lambda: time.monotonic() - started_at > seconds)


def warm_up(step_store: StepStore) -> None:
    """Open the pool's connection and prepare the claim, so that the next claim is a single round trip."""
    assert step_store.claim(Step(uuid4(), 1, 1), uuid4()) is None


def claimed_call(step_store: StepStore, step: Step) -> UUID:
    """Claim the step and return the id of its call."""
    call = uuid4()
    claim = step_store.claim(step, call)
    assert claim is not None
    assert claim.result == "run"
    return call


def save_step(
    step_store: StepStore, step: Step, call: UUID, output: dict[str, Any] | None = None, **columns: Any
) -> bool:
    """Save a result with two events; return whether it was saved."""
    return step_store.save(step, call, 1, make_result(output, **columns), seconds=1.5, events=[b"one", b"two"])
