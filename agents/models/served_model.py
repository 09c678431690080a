"""Makes calls of one model: request after request until one is answered, and remembers what the model knows."""

import asyncio
import secrets
from dataclasses import dataclass, replace
from typing import Any, Never

from pydantic_ai.settings import ModelSettings

from agents.agent import Agent
from agents.errors import InvalidOutput, ServiceError
from agents.interface import AgentInput
from agents.models.answers import read_answer
from agents.models.error_classes import classify
from agents.models.factory import make_http_client, make_model
from agents.models.output_modes import OutputMode, request_parameters, supported_modes
from agents.models.prices import NOTHING, Spent, spent_on
from agents.models.requests import OnProgress, send_request, silence_seconds
from agents.models.schema import schema_text
from agents.models.second_requests import SECOND_MAX_TOKENS, Plan, next_plan, refuses_mode
from agents.models.services import Endpoint
from agents.prompt import Prompt, build_prompt


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered to one call. `agent_input` is what it was really shown."""

    value: Any
    agent_input: AgentInput
    mode: OutputMode
    spent: Spent


class ServedModel:
    """One model in one process. Use it only in the event loop in which it was made, because its client belongs to it.

    It remembers the output mode and the limit of tokens with which the model answered last.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._http_client = make_http_client(endpoint)
        self._model = make_model(endpoint, self._http_client)
        self._endpoint = endpoint
        self._modes = supported_modes(self._model)
        self._mode = self._modes[0]
        self._max_tokens: int | None = None

    async def call(
        self, agent: Agent, agent_input: AgentInput, deadline_seconds: float, on_progress: OnProgress
    ) -> Answer:
        """Return the model's answer to one agent, which is not validated yet.

        Raises an AgentError for every failure; reaching the deadline is a ServiceError.
        """
        try:
            async with asyncio.timeout(deadline_seconds):
                return await self._answer(agent, agent_input, deadline_seconds, on_progress)
        except TimeoutError:
            message = f"{self._endpoint.title} did not answer within {deadline_seconds:g} s."
            raise ServiceError(message, "outage") from None

    async def close(self) -> None:
        """Close the connections."""
        await self._http_client.aclose()

    async def _answer(
        self, agent: Agent, agent_input: AgentInput, deadline_seconds: float, on_progress: OnProgress
    ) -> Answer:
        plan = self._first_plan(agent, agent_input)
        spent = NOTHING
        while True:
            settings = ModelSettings(max_tokens=plan.max_tokens, timeout=silence_seconds(deadline_seconds))
            parameters = request_parameters(agent.output, plan.mode)
            try:
                response = await send_request(self._model, _prompt(agent, plan), parameters, settings, on_progress)
                spent = spent.plus(spent_on(response.usage, self._endpoint))
                value = read_answer(response)
            except Exception as error:  # noqa: BLE001  the boundary to the libraries: every error is sorted here
                plan = self._repeat(plan, error)
                continue
            self._mode, self._max_tokens = plan.mode, plan.max_tokens
            return Answer(value, plan.agent_input, plan.mode, spent)

    def _first_plan(self, agent: Agent, agent_input: AgentInput) -> Plan:
        if not agent.reads_earlier_thoughts:
            agent_input = replace(agent_input, earlier_thoughts=())
        plan = Plan(agent_input, self._mode)
        return replace(plan, max_tokens=self._max_tokens) if self._max_tokens else plan

    def _repeat(self, plan: Plan, error: Exception) -> Plan:
        """Return the plan of the next request. Raises an AgentError when there is none."""
        following = next_plan(plan, error, self._modes)
        if following is None:
            self._fail(plan, error)
        return following

    def _fail(self, plan: Plan, error: Exception) -> Never:
        """Raise the AgentError of an error, without the error itself, whose text may contain parts of the request."""
        if plan.max_tokens == SECOND_MAX_TOKENS and refuses_mode(error):
            self._max_tokens = None
            raise InvalidOutput("The model's answer was cut off, and it does not allow a longer one.") from None
        raise classify(error, self._endpoint) from None


def _prompt(agent: Agent, plan: Plan) -> Prompt:
    prompt = build_prompt(agent, plan.agent_input, secrets.token_hex(8))
    return replace(prompt, instructions=f"{prompt.instructions}\n\n{schema_text(agent.output)}")
