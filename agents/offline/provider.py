"""Provides the offline agents: no model service, no network, no cost. Claims without evidence are left out."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError

from agents.catalogue import CATALOGUE
from agents.embedding.embedder import count_failures
from agents.errors import Cancelled, InvalidOutput
from agents.interface import AgentInput, AgentResult, CallContext
from agents.offline.action_plan import plan
from agents.offline.analysis import analyse
from agents.offline.classifier.heads import classifier_version
from agents.offline.priority import prioritise
from agents.offline.reading import Reading
from agents.offline.value_impact import weigh
from agents.output import AgentOutput, Validated, finish_output, first_error

VERSION: Final = "6"
"""Increment it with every change of the rules or texts that changes a result, because it is stored with the result."""

_RULES: Mapping[str, Callable[[Reading], AgentOutput]] = {
    "classification": Reading.classify,
    "analysis": analyse,
    "value_impact": weigh,
    "action_plan": plan,
    "priority": prioritise,
}


class OfflineProvider:
    """Applies the built-in rules and the classifier. A call takes some 20 ms, so the deadline is ignored."""

    def identity(self) -> Mapping[str, Any]:
        return {"provider": "offline", "version": VERSION, "classifier": classifier_version()}

    def models(self, agent_name: str) -> Sequence[str]:  # noqa: ARG002  the signature of all providers
        """Return no model, because no service is called."""
        return ()

    def check(self, model: str) -> None:
        """Do nothing, because no service is called."""

    def run(self, agent_name: str, agent_input: AgentInput, context: CallContext) -> AgentResult:
        if context.cancelled.is_set():
            raise Cancelled("fenced before the call began")
        CATALOGUE.named(agent_name)
        failures = count_failures()
        output, dropped_claims = _apply(agent_name, agent_input)
        return AgentResult(
            output,
            "offline",
            "rules",
            VERSION,
            tokens_in=0,
            tokens_out=0,
            cost_usd=Decimal(0),
            dropped_claims=dropped_claims,
            is_complete=count_failures() == failures,
        )


def _apply(agent_name: str, agent_input: AgentInput) -> Validated[AgentOutput]:
    try:
        return finish_output(_RULES[agent_name](Reading(agent_input)), agent_input)
    except ValidationError as error:
        raise InvalidOutput(first_error(error)) from error
