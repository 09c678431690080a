"""Provides agents that a model answers for."""

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agents.agent import Agent
from agents.catalogue import CATALOGUE
from agents.errors import AgentError, Cancelled, InvalidOutput, PermanentError, ServiceError, TransientError
from agents.interface import AgentInput, AgentResult, CallContext, ignore_progress
from agents.models.configuration import Configuration
from agents.models.event_loop import EventLoopThread
from agents.models.output_modes import OutputMode
from agents.models.prices import Spent
from agents.models.requests import OnProgress
from agents.models.served_model import Answer, ServedModel
from agents.models.services import Endpoint
from agents.output import AgentOutput, validate_output

CHECK_SECONDS: Final = 20.0
"""How long a check may take."""


class Check(AgentOutput):
    """The smallest output that shows whether a model can answer with JSON."""

    ok: bool


CHECK: Final = Agent(
    name="check",
    title="Check",
    question="",
    summary="",
    output=Check,
    instructions="Answer that `ok` is true.",
)


@dataclass(frozen=True, slots=True)
class Examination:
    """What one tiny call of a model showed."""

    mode: OutputMode
    seconds: float
    spent: Spent


class ModelProvider:
    """Calls the models of a configuration. Nothing is connected or started before the first call."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._loop = EventLoopThread()
        self._served: dict[tuple[int, str], ServedModel] = {}
        """By process and model, because a forked process needs clients of its own. Used only in the event loop."""

    def identity(self) -> Mapping[str, Any]:
        addresses = {model: endpoint.address for model, endpoint in self._configuration.endpoints.items()}
        return {"models": dict(self._configuration.models), "addresses": addresses}

    def models(self, agent_name: str) -> Sequence[str]:
        return self._configuration.models[agent_name]

    def run(self, agent_name: str, agent_input: AgentInput, context: CallContext) -> AgentResult:
        if context.cancelled.is_set():
            raise Cancelled("fenced before the call began")
        agent = CATALOGUE.named(agent_name)
        endpoint = self._endpoint(context.model or self.models(agent_name)[0])
        answer = self._call(
            endpoint, agent, agent_input, context.deadline_seconds, context.cancelled, context.on_progress
        )
        validated = validate_output(agent.output, answer.value, answer.agent_input)
        return AgentResult(
            validated.output,
            endpoint.name.provider,
            endpoint.name.model,
            agent.prompt_version,
            tokens_in=answer.spent.tokens_in,
            tokens_out=answer.spent.tokens_out,
            cost_usd=answer.spent.cost_usd,
            dropped_claims=validated.dropped_claims,
        )

    def check(self, model: str) -> None:
        """Make the smallest possible call of a model. Raises ServiceError unless its service answers."""
        try:
            self.examine(model)
        except (InvalidOutput, PermanentError):
            return  # the service answers, which is all that is asked
        except ServiceError:
            raise
        except TransientError as error:
            raise ServiceError(str(error), "outage") from None

    def examine(self, model: str) -> Examination:
        """Make the smallest possible call of a model, and say how it answers. Raises AgentError when it does not."""
        agent_input = AgentInput(thought_id="", user_id="", text="This is a check of the connection.")
        started_at = time.monotonic()
        answer = self._call(
            self._endpoint(model), CHECK, agent_input, CHECK_SECONDS, threading.Event(), ignore_progress
        )
        validate_output(Check, answer.value, agent_input)
        return Examination(answer.mode, time.monotonic() - started_at, answer.spent)

    def close(self) -> None:
        """Close all connections and end the event loop. Only a process that continues without a provider needs it."""
        for served in self._served.values():
            self._loop.run(served.close, deadline_seconds=CHECK_SECONDS, cancelled=threading.Event())
        self._served.clear()
        self._loop.stop()

    def _endpoint(self, model: str) -> Endpoint:
        endpoint = self._configuration.endpoints.get(model)
        if endpoint is None:
            cure = f"{model} is not configured: restart the processes, so that all use the same settings"
            raise ServiceError("The model that was chosen is not configured.", "unknown_model", cure=cure)
        return endpoint

    def _call(
        self,
        endpoint: Endpoint,
        agent: Agent,
        agent_input: AgentInput,
        deadline_seconds: float,
        cancelled: threading.Event,
        on_progress: OnProgress,
    ) -> Answer:
        async def call() -> Answer:
            return await self._serve(endpoint).call(agent, agent_input, deadline_seconds, on_progress)

        try:
            return self._loop.run(call, deadline_seconds=deadline_seconds, cancelled=cancelled)
        except AgentError:
            raise
        except Exception as error:  # noqa: BLE001  no error may leave a provider unsorted
            raise TransientError(f"{endpoint.title} could not be called ({type(error).__name__}).") from None

    def _serve(self, endpoint: Endpoint) -> ServedModel:
        """Return the model of an endpoint in this event loop. Runs in the event loop, so no lock is needed."""
        key = (os.getpid(), str(endpoint.name))
        if key not in self._served:
            self._served[key] = ServedModel(endpoint)
        return self._served[key]
