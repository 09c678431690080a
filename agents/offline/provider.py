"""Provides the offline agents: no model, no network, no cost. Claims without evidence are left out."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from pydantic import ValidationError

from agents.catalogue import CATALOGUE
from agents.errors import Cancelled, InvalidOutput
from agents.interface import AgentInput, AgentResult, CallContext
from agents.offline.action_plan import plan
from agents.offline.analysis import analyse
from agents.offline.classification import classify
from agents.offline.priority import prioritise
from agents.offline.reading import Reading
from agents.offline.value_impact import weigh
from agents.output import AgentOutput, first_error

VERSION: Final = "2"
"""Increment it with every change of the rules or texts that changes a result, because it is stored with the result."""

_RULES: Mapping[str, Callable[[Reading], AgentOutput]] = {
    "classification": lambda reading: classify(reading.text, reading.today),
    "analysis": analyse,
    "value_impact": weigh,
    "action_plan": plan,
    "priority": prioritise,
}


def _today() -> date:
    return datetime.now(UTC).date()


class OfflineProvider:
    """Applies the offline rules. Calls take milliseconds, so the deadline is ignored. `today` returns the date."""

    def __init__(self, today: Callable[[], date] = _today) -> None:
        self._today = today

    def models(self, agent_name: str) -> Sequence[str]:  # noqa: ARG002  the signature of all providers
        """Return no model, because no service is called."""
        return ()

    def check(self, model: str) -> None:
        """Do nothing, because no service is called."""

    def run(self, agent_name: str, agent_input: AgentInput, context: CallContext) -> AgentResult:
        if context.cancelled.is_set():
            raise Cancelled("fenced before the call began")
        CATALOGUE.named(agent_name)
        output = self._apply(agent_name, agent_input)
        return AgentResult(output, "offline", "rules", VERSION, tokens_in=0, tokens_out=0, cost_usd=Decimal(0))

    def _apply(self, agent_name: str, agent_input: AgentInput) -> AgentOutput:
        try:
            return _RULES[agent_name](Reading(agent_input, self._today())).with_computed_fields(agent_input)
        except ValidationError as error:
            raise InvalidOutput(first_error(error)) from error
