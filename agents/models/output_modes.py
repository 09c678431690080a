"""Defines the ways to ask a model for an output of a given schema, and which of them a model knows.

In every mode the instructions hold the schema as well, because some servers do not show it to the model.
"""

from functools import cache
from typing import Final, Literal

from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.tools import ToolDefinition

from agents.models.schema import output_schema
from agents.output import AgentOutput

OutputMode = Literal["native", "tool", "prompted"]
"""- `native`: the service constrains the answer to the schema.
- `tool`: the answer is the arguments of a tool with the schema.
- `prompted`: only the instructions ask for the schema.
"""

ANSWER: Final = "answer"
"""The name of the schema and of the tool."""


def supported_modes(model: Model) -> tuple[OutputMode, ...]:
    """Return the modes that a model may know, in the order in which they are tried."""
    modes: list[OutputMode] = []
    if model.profile.get("supports_json_schema_output", False):
        modes.append("native")
    if model.profile.get("supports_tools", True):
        modes.append("tool")
    return (*modes, "prompted")


@cache
def request_parameters(output: type[AgentOutput], mode: OutputMode) -> ModelRequestParameters:
    """Return what a request in this mode carries besides its messages.

    `strict` makes the library strip what a strict service does not know, such as bounds; answers are validated here.
    """
    schema = output_schema(output)
    return ModelRequestParameters(
        output_mode=mode,
        output_object=OutputObjectDefinition(json_schema=schema, name=ANSWER, strict=True),
        output_tools=[ToolDefinition(name=ANSWER, parameters_json_schema=schema, strict=True, kind="output")],
        prompted_output_template=False,
        allow_text_output=mode != "tool",
    )
