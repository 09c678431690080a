"""Makes the JSON schema of an output that model services accept, from its pydantic model."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from agents.output import AgentOutput

_STANDARD_NAMES: Final = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
"""Pydantic's names of a bound behind a validator -> JSON schema's names. Strict services reject unknown names."""


@cache
def output_schema(output: type[AgentOutput]) -> dict[str, Any]:
    """Return the schema of an output: with standard names only, and without titles, docstrings and
    the fields that code writes."""
    schema: dict[str, Any] = _cleaned(output.model_json_schema())
    schema["properties"] = {
        name: value for name, value in schema["properties"].items() if name not in output.written_by_code
    }
    return schema


@cache
def schema_text(output: type[AgentOutput]) -> str:
    """Return the sentence that asks for an answer of this schema, with the schema."""
    schema = json.dumps(output_schema(output), separators=(",", ":"))
    return f"Answer with one JSON object that matches this JSON schema, and with nothing else:\n{schema}"


def _cleaned(node: Any) -> Any:
    if isinstance(node, list):
        return [_cleaned(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    is_object = node.get("type") == "object"
    return {
        _STANDARD_NAMES.get(name, name): _cleaned_names(value) if name in {"properties", "$defs"} else _cleaned(value)
        for name, value in node.items()
        if name != "title" and not (is_object and name == "description")
    }


def _cleaned_names(members: Mapping[str, Any]) -> dict[str, Any]:
    """Clean the values of a mapping whose names are names of fields, which may be `title` or `le` too."""
    return {name: _cleaned(member) for name, member in members.items()}
