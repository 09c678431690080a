"""A provider whose every call is a function of the test."""

from collections.abc import Callable

from agents.interface import AgentInput, AgentResult, CallContext
from tests.tasks.agent_results import a_result

Play = Callable[[CallContext], AgentResult | None]


class Puppet:
    """Plays the given functions one after the other, and the last one again; None is a plain result."""

    def __init__(self, *plays: Play) -> None:
        self._plays = plays or (lambda _: None,)
        self.given: list[AgentInput] = []
        self.contexts: list[CallContext] = []

    @property
    def calls(self) -> int:
        """How many calls were paid for."""
        return len(self.contexts)

    def run(self, agent_name: str, given: AgentInput, context: CallContext) -> AgentResult:
        self.given.append(given)
        self.contexts.append(context)
        play = self._plays[min(self.calls, len(self._plays)) - 1]
        return play(context) or a_result({"agent": agent_name})


def raising(error: BaseException) -> Play:
    """A call that ends with this error."""

    def play(_: CallContext) -> AgentResult | None:
        raise error

    return play
