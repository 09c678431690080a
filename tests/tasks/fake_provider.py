"""A provider whose calls run functions of the test."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agents.interface import AgentInput, AgentResult, CallContext
from tests.tasks.agent_results import make_result

Behaviour = Callable[[CallContext], AgentResult | None]
"""What happens in one call. None stands for a default result."""


class FakeProvider:
    """Runs the given behaviours one call after the other, and repeats the last one."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self._behaviours = behaviours or (lambda _: None,)
        self.inputs: list[AgentInput] = []
        self.contexts: list[CallContext] = []
        self.version = "1"

    @property
    def calls(self) -> int:
        """Return how many calls were begun, and so paid for."""
        return len(self.contexts)

    def identity(self) -> Mapping[str, Any]:
        return {"provider": "fake", "version": self.version}

    def models(self, agent_name: str) -> Sequence[str]:
        return ()

    def check(self, model: str) -> None:
        pass

    def run(self, agent_name: str, agent_input: AgentInput, context: CallContext) -> AgentResult:
        self.inputs.append(agent_input)
        self.contexts.append(context)
        behave = self._behaviours[min(self.calls, len(self._behaviours)) - 1]
        return behave(context) or make_result({"agent": agent_name})


def raising(error: BaseException) -> Behaviour:
    """Return a behaviour that raises this error."""

    def behave(_: CallContext) -> AgentResult | None:
        raise error

    return behave
