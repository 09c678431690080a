"""Defines what all outputs have in common: closed fields, bounded lengths, and only values that can be stored.

PostgreSQL's jsonb rejects NUL and lone surrogates, and JSON has no NaN. A paid result must not be lost because of one.
"""

import math
import re
from typing import Annotated, Any, Generic, NamedTuple, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from agents.errors import InvalidOutput
from agents.interface import AgentInput

MAX_PHRASE_LENGTH = 200
MAX_SENTENCE_LENGTH = 600
MAX_LIST_LENGTH = 10

NOT_ASSESSED = "Not assessed."
"""The text of a field that the agent cannot assess. Numeric fields are null in that case."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def replace_unstorable(text: str) -> str:
    """Return the text with every character that cannot be stored replaced by U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def _clean_value(value: Any) -> Any:
    return replace_unstorable(value) if isinstance(value, str) else value


def _round_whole(value: Any) -> Any:
    """Round a float. Models tend to answer 7.5 instead of a whole number, which does not justify another paid call."""
    return round(value) if isinstance(value, float) and math.isfinite(value) else value


Phrase = Annotated[str, BeforeValidator(_clean_value), Field(min_length=1, max_length=MAX_PHRASE_LENGTH)]
Sentence = Annotated[str, BeforeValidator(_clean_value), Field(min_length=1, max_length=MAX_SENTENCE_LENGTH)]
Phrases = Annotated[list[Phrase], Field(max_length=MAX_LIST_LENGTH)]
Score = Annotated[int, BeforeValidator(_round_whole), Field(ge=0, le=10)]
Confidence = Annotated[float, Field(ge=0, le=1)]


class Part(BaseModel):
    """A closed group of fields inside an output."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=True)


class AgentOutput(Part):
    """The complete output of one agent."""

    def with_computed_fields(self, agent_input: AgentInput) -> Self:  # noqa: ARG002 (for those that override it)
        """Return the output with every computed field overwritten by its computed value."""
        return self


Output = TypeVar("Output", bound=AgentOutput)


class Validated(NamedTuple, Generic[Output]):
    """A validated output, and how many claims it lost because their quotes were not in their sources."""

    output: Output
    dropped_claims: int


def validate_output(model: type[Output], answer: Any, agent_input: AgentInput) -> Validated[Output]:
    """Validate a provider's answer, drop claims without evidence, and fill in the computed fields.

    Raises InvalidOutput, which names the first wrong field.
    """
    try:
        output = model.model_validate(answer)
    except ValidationError as error:
        raise InvalidOutput(first_error(error)) from error
    return Validated(output.with_computed_fields(agent_input), 0)


def previous_output(model: type[Output], agent_name: str, agent_input: AgentInput) -> Output | None:
    """Return the stored output of an earlier agent, or None when it is missing or of an incompatible version."""
    try:
        return model.model_validate(agent_input.previous.get(agent_name))
    except ValidationError:
        return None


def first_error(error: ValidationError) -> str:
    """Describe the first error in one line: the field and the problem, but never the value, which may be long."""
    details = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(str(part) for part in details["loc"]) or "the top level"
    return replace_unstorable(f"{error.title} is not valid at {field}: {details['msg']}")[:MAX_SENTENCE_LENGTH]
