"""Decides what a step remembers. Nothing here fails or delays a step beyond the time limits of a few statements.

Memory makes an analysis better, and a thought is analysed without it too: every problem is logged, and the step goes on
as if there were no earlier thoughts.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

from agents.embedding.embedder import Embedder
from agents.interface import AgentResult, EarlierThought, Provider
from agents.reuse import reuse_key
from contracts.database import describe_error
from tasks.memory.memory_store import MemoryStore, SavedRun, Subject
from tasks.step_store import Claim, Provenance, Step

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Recall:
    """What is known before an agent is called: the step's reuse key, and a result to copy instead of the call."""

    key: str | None = None
    saved: SavedRun | None = None

    def after_call(self, result: AgentResult, model: str, models: Sequence[str]) -> "Recall":
        """Return what is stored with a result of `model`: no key, so that no thought copies it, when a later call may
        be answered better, by the first of the provider's models or with what was missing now."""
        is_complete = getattr(result, "is_complete", False)  # what is no result at all, the save rejects
        is_representative = is_complete and model in [*models, ""][:1]
        return self if is_representative else replace(self, key=None)

    def provenance(self, claim: Claim, earlier: Sequence[EarlierThought] = ()) -> Provenance:
        """Return what is stored with the result: the copied one, or that of an agent that read `earlier`."""
        if self.saved is not None:
            return Provenance(claim.profile_version, self.key, self.saved.source, self.saved.earlier_thoughts)
        return Provenance(claim.profile_version, self.key, None, [UUID(thought.id) for thought in earlier])


class NoMemory:
    """The memory with MEMORY=false: no earlier thoughts, and no results of them."""

    def may_reuse(self, step: Step) -> bool:  # noqa: ARG002  the signature of Memory
        """Return whether a saved result can be copied, without a claim. A claim's `recall` decides."""
        return False

    def recall(self, step: Step, claim: Claim) -> Recall:  # noqa: ARG002  the signature of Memory
        """Return the key of the claimed step, and the saved result of an equal thought if there is one."""
        return Recall()

    def remember(self, step: Step, claim: Claim) -> None:
        """Store the vector of a thought whose result is copied, so that later thoughts find it."""

    def earlier_thoughts(self, step: Step, claim: Claim) -> Sequence[EarlierThought]:  # noqa: ARG002  as above
        """Return the similar earlier thoughts for an agent that reads them."""
        return ()


class Memory(NoMemory):
    """The memory of one process. Thread-safe. `find_embedder` returns None where texts cannot be embedded."""

    def __init__(self, store: MemoryStore, provider: Provider, find_embedder: Callable[[], Embedder | None]) -> None:
        self._store = store
        self._provider = provider
        self._find_embedder = find_embedder

    def may_reuse(self, step: Step) -> bool:
        return self._attempt(step, False, lambda: self._may_reuse(step))

    def recall(self, step: Step, claim: Claim) -> Recall:
        return self._attempt(step, Recall(), lambda: self._recall(step, Subject.of_claim(step, claim)))

    def remember(self, step: Step, claim: Claim) -> None:
        self.earlier_thoughts(step, claim)

    def earlier_thoughts(self, step: Step, claim: Claim) -> Sequence[EarlierThought]:
        if not step.definition.reads_earlier_thoughts:
            return ()
        nothing: Sequence[EarlierThought] = ()
        return self._attempt(step, nothing, lambda: self._similar(Subject.of_claim(step, claim)))

    def _may_reuse(self, step: Step) -> bool:
        subject = self._store.subject(step)
        return subject is not None and self._recall(step, subject).saved is not None

    def _recall(self, step: Step, subject: Subject) -> Recall:
        embedder = self._find_embedder()
        key = reuse_key(subject.agent_input(), self._provider, embedder.model if embedder else "")
        source = None if subject.is_fresh else self._source(step, subject, key)
        saved = None if source is None else self._store.saved_run(source, step, subject, key)
        return Recall(key, saved)

    def _source(self, step: Step, subject: Subject, key: str) -> UUID | None:
        """Return the thought to copy from: the first step finds it, and all others follow the step before."""
        return self._store.source(subject, key) if step.number == 1 else subject.reused_from

    def _similar(self, subject: Subject) -> Sequence[EarlierThought]:
        embedder = self._find_embedder()
        if embedder is None:
            return ()
        similar = self._store.similar(subject, embedder.model)
        if not similar.is_embedded:
            self._store.store_vector(subject.thought_id, embedder.model, embedder.embed(subject.text).tolist())
            similar = self._store.similar(subject, embedder.model)
        return similar.thoughts

    def _attempt(self, step: Step, otherwise: T, action: Callable[[], T]) -> T:
        try:
            return action()
        except Exception as error:  # noqa: BLE001  a task boundary: no problem of the memory may fail a thought
            log.warning(
                "A step of a thought continues without memory: %s", describe_error(error),
                extra={"thought_id": step.thought_id, "step": step.number},
            )  # fmt: skip
            return otherwise
