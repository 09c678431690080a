"""A provider whose model services the test makes available or unavailable."""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.errors import ServiceCause, ServiceError
from agents.interface import AgentInput, AgentResult, CallContext
from tests.tasks.agent_results import make_result

FIRST, SECOND = "openai:first", "ollama:second"


class FakeServices:
    """Answers for two models. `failures` holds why a model gives no answer, and `own_failures` the texts of thoughts
    whose calls fail although their service is available."""

    def __init__(self, *models: str) -> None:
        self._models = models or (FIRST,)
        self.failures: dict[str, ServiceCause] = {}
        self.own_failures: set[str] = set()
        self.own_cause: ServiceCause = "outage"
        self.retry_after: float | None = None
        self.calls: list[str] = []
        self.checks: list[str] = []

    def identity(self) -> Mapping[str, Any]:
        return {"provider": "fake services"}

    def models(self, agent_name: str) -> Sequence[str]:
        return self._models

    def check(self, model: str) -> None:
        self.checks.append(model)
        self._require_service(model)

    def run(self, agent_name: str, agent_input: AgentInput, context: CallContext) -> AgentResult:
        self.calls.append(context.model)
        self._require_service(context.model)
        if agent_input.text in self.own_failures:
            raise ServiceError("The service failed.", self.own_cause)
        return make_result({"agent": agent_name}, model=context.model)

    def _require_service(self, model: str) -> None:
        cause = self.failures.get(model)
        if cause is not None:
            cure = f"Correct the settings of {model}." if cause != "outage" else ""
            raise ServiceError("The service does not answer.", cause, retry_after=self.retry_after, cure=cure)
