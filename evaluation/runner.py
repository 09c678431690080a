"""Runs the agents of a provider on notes."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from agents.catalogue import CATALOGUE
from agents.errors import ServiceError
from agents.interface import AgentInput, AgentResult, CallContext, Provider
from evaluation.outcomes import Outcome
from notes.reader import Note, Voice

ALL_AGENTS: Final = CATALOGUE.names


@dataclass(frozen=True, slots=True)
class Runner:
    """Calls the agents of one provider as a worker would, and stores nothing."""

    provider: Provider
    deadline_seconds: float

    @property
    def calls_a_model(self) -> bool:
        """Whether the answers come from a model service, which costs money and may answer differently each time."""
        return any(self.provider.models(name) for name in ALL_AGENTS)

    def analyse(self, voice: Voice, note: Note) -> Outcome:
        """Return the results of all agents for a note. Raises AgentError."""
        agent_input = note_input(voice, note.text)
        started_at = time.monotonic()
        results = self.run(agent_input)
        return Outcome(voice, note, agent_input, results, time.monotonic() - started_at)

    def run(
        self,
        agent_input: AgentInput,
        agents: Sequence[str] = ALL_AGENTS,
        previous: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> dict[str, AgentResult]:
        """Return the results of these agents by name, each of which reads those before it. Raises AgentError."""
        outputs: dict[str, Mapping[str, Any]] = dict(previous or {})
        results: dict[str, AgentResult] = {}
        for name in agents:
            results[name] = self._call(name, replace(agent_input, previous=dict(outputs)))
            outputs[name] = results[name].output.model_dump(mode="json")
        return results

    def _call(self, name: str, agent_input: AgentInput) -> AgentResult:
        """Call the first model whose service answers."""
        *others, last = self.provider.models(name) or [""]
        for model in others:
            try:
                return self.provider.run(name, agent_input, self._context(model))
            except ServiceError:
                continue
        return self.provider.run(name, agent_input, self._context(last))

    def _context(self, model: str) -> CallContext:
        return CallContext("", 1, self.deadline_seconds, threading.Event(), "", model)


def note_input(voice: Voice, text: str, goals: Sequence[str] = ()) -> AgentInput:
    """Return the input of a note: its author has a time zone, perhaps goals, and no earlier thoughts."""
    profile: dict[str, Any] = {"time_zone": voice.timezone.key}
    if goals:
        profile["goals"] = list(goals)
    return AgentInput("", voice.name, text, profile=profile, written_at=voice.now, called_at=voice.now)
