"""Decides how a failed request is repeated within the same call, if at all: differently, and each change once.

failure                                         the next request
the request is too long for the model           without the author's earlier thoughts
the way to ask for the schema was refused       in the next output mode
the answer was cut off at the limit of tokens   with a higher limit

A busy service is not called again here: the limit of the calls of all workers depends on its refusal.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from pydantic_ai.exceptions import (
    ModelAuthenticationError,
    ModelNotFoundError,
    ModelRequestRejectedError,
    ModelServerError,
)

from agents.interface import AgentInput
from agents.models.answers import CutOffAnswer
from agents.models.error_classes import detail_of, is_too_long
from agents.models.output_modes import OutputMode

FIRST_MAX_TOKENS: Final = 4096
"""Enough for every output. A higher limit would not fit into the context of small local models."""
SECOND_MAX_TOKENS: Final = 16384
"""For models whose reasoning counts as part of the answer."""

_ABOUT_SCHEMA: Final = re.compile(r"grammar|schema|response_format|tool_choice|\btools?\b", re.IGNORECASE)
"""How servers word that they cannot apply a schema, some of them with a status of 500."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the next request sends."""

    agent_input: AgentInput
    mode: OutputMode
    max_tokens: int = FIRST_MAX_TOKENS


def next_plan(plan: Plan, error: Exception, modes: Sequence[OutputMode]) -> Plan | None:
    """Return how the request is repeated after an error, or None when it is not."""
    if is_too_long(error):
        return _with_less_memory(plan)
    if isinstance(error, CutOffAnswer):
        return replace(plan, max_tokens=SECOND_MAX_TOKENS) if plan.max_tokens < SECOND_MAX_TOKENS else None
    if refuses_mode(error) and plan.mode != modes[-1]:
        return replace(plan, mode=modes[modes.index(plan.mode) + 1])
    return None


def refuses_mode(error: Exception) -> bool:
    """Return whether the service may have refused the way to ask for the schema."""
    if isinstance(error, ModelAuthenticationError | ModelNotFoundError) or is_too_long(error):
        return False
    if isinstance(error, ModelServerError):
        return bool(_ABOUT_SCHEMA.search(detail_of(error)))
    return isinstance(error, ModelRequestRejectedError)


def _with_less_memory(plan: Plan) -> Plan | None:
    if not plan.agent_input.earlier_thoughts:
        return None
    return replace(plan, agent_input=replace(plan.agent_input, earlier_thoughts=()))
