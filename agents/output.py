"""Defines what the outputs of all agents have in common, and validates a provider's answer."""

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar

from pydantic import Field, ValidationError

from agents.errors import InvalidOutput
from agents.evidence import READS_STORED, Sources, drop_unsupported
from agents.fields import MAX_SENTENCE_LENGTH, Part, Phrase, replace_unstorable
from agents.interface import AgentInput


class AgentOutput(Part):
    """The complete output of one agent."""

    written_by_code: ClassVar[frozenset[str]] = frozenset({"found_by"})
    """Fields that no model is asked for. What a model writes into them is dropped."""

    found_by: Mapping[str, Phrase] = Field(default_factory=dict)
    """Field name -> how its value was found, such as "a date in the text". The name of a field inside another one is
    dotted. Empty for the answers of models."""

    def with_computed_fields(self, agent_input: AgentInput) -> Self:  # noqa: ARG002 (for those that override it)
        """Return the output with every computed field overwritten by its computed value."""
        return self

    @classmethod
    def known_facts(cls, agent_input: AgentInput) -> Mapping[str, Any]:  # noqa: ARG003 (for those that override it)
        """Return what the code computes before the call, because the answer must agree with it."""
        return {}


Output = TypeVar("Output", bound=AgentOutput)


class Validated(NamedTuple, Generic[Output]):
    """A validated output, and how many claims it lost because their quotes were not in their sources."""

    output: Output
    dropped_claims: int


def validate_output(model: type[Output], answer: Any, agent_input: AgentInput) -> Validated[Output]:
    """Validate a provider's answer, drop claims without evidence, and fill in the computed fields.

    Raises InvalidOutput, which names the first wrong field.
    """
    if isinstance(answer, Mapping):
        answer = {name: value for name, value in answer.items() if name not in model.written_by_code}
    try:
        output = model.model_validate(answer)
    except ValidationError as error:
        raise InvalidOutput(first_error(error)) from error
    return finish_output(output, agent_input)


def finish_output(output: Output, agent_input: AgentInput) -> Validated[Output]:
    """Drop the claims of a valid output that its sources do not support, and fill in the computed fields."""
    supported, dropped = drop_unsupported(output, Sources.of(agent_input))
    return Validated(supported.with_computed_fields(agent_input), dropped)


def previous_output(model: type[Output], agent_name: str, agent_input: AgentInput) -> Output | None:
    """Return the stored output of an earlier agent, or None when it is missing or of an incompatible version.

    An output of the version without evidence is compatible; its claims, which carry no quotes, are left out.
    """
    try:
        return model.model_validate(agent_input.previous.get(agent_name), context={READS_STORED: True})
    except ValidationError:
        return None


def first_error(error: ValidationError) -> str:
    """Describe the first error in one line: the field and the problem, but never the value, which may be long."""
    details = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(str(part) for part in details["loc"]) or "the top level"
    return replace_unstorable(f"{error.title} is not valid at {field}: {details['msg']}")[:MAX_SENTENCE_LENGTH]
