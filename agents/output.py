"""What all outputs have in common: closed fields, bounded lengths, and only characters and numbers that can be stored.

PostgreSQL's jsonb refuses NUL and lone surrogates, JSON knows no NaN. A paid result must not be lost to one of them.
"""

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from agents.errors import InvalidOutput
from agents.interface import AgentInput

MAX_PHRASE_LENGTH = 200
MAX_SENTENCE_LENGTH = 600
MAX_LIST_LENGTH = 10

NOT_ASSESSED = "Not assessed."
"""What a text field says where the agent does not know. Numbers are null there."""

_REFUSED = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """The text with every character that cannot be stored replaced by U+FFFD."""
    return _REFUSED.sub("\ufffd", text)


def _clean_value(value: Any) -> Any:
    return clean(value) if isinstance(value, str) else value


def _round_whole(value: Any) -> Any:
    """Models like to answer 7.5 where a whole number was asked for; that is no reason to pay for another call."""
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
    """The whole result of one agent."""

    def with_computed_fields(self, given: AgentInput) -> Self:  # noqa: ARG002 (for those that override it)
        """The output with everything that code computes put in place of what was claimed."""
        return self


Output = TypeVar("Output", bound=AgentOutput)


def validate_output(model: type[Output], claim: Mapping[str, Any], given: AgentInput) -> Output:
    """Make a provider's claim into a settled output, or raise InvalidOutput naming the first wrong field."""
    try:
        return model.model_validate(claim).with_computed_fields(given)
    except ValidationError as error:
        raise InvalidOutput(first_error(error)) from error


def previous_output(model: type[Output], agent_name: str, given: AgentInput) -> Output | None:
    """The output of an agent that has run before, or None where it is missing or of another version."""
    try:
        return model.model_validate(given.previous.get(agent_name))
    except ValidationError:
        return None


def first_error(error: ValidationError) -> str:
    """One line for people: where the first mistake is and what is wrong; never the value, which may be long."""
    mistake = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(step) for step in mistake["loc"]) or "the whole"
    return clean(f"{error.title} is not valid at {place}: {mistake['msg']}")[:MAX_SENTENCE_LENGTH]
