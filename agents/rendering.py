"""Renders outputs as plain text for a terminal."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from agents.agent import Agent

INDENT: Final = "  "
NOTHING: Final = "-"


def render_output(agent: Agent, output: Mapping[str, Any]) -> str:
    """Return the title of an agent and the fields of its output, one line each, indented by their depth."""
    return "\n".join([agent.title, *_fields(output, agent.labels, 1)])


def render_spending(tokens_in: int | None, tokens_out: int | None, cost_usd: Decimal | None) -> str:
    """Return tokens and cost as text; what is unknown is called unknown."""
    cost = "cost unknown" if cost_usd is None else f"{cost_usd:.4f} USD"
    if tokens_in is None or tokens_out is None:
        return f"tokens unknown, {cost}"
    return f"{tokens_in} tokens in, {tokens_out} out, {cost}"


def printable(text: str) -> str:
    """Return the text without control characters, which a terminal would obey."""
    return "".join(character if character.isprintable() else " " for character in text)


def _fields(fields: Mapping[str, Any], labels: Mapping[str, str], depth: int) -> Iterator[str]:
    for name, value in fields.items():
        label = f"{INDENT * depth}{labels.get(name) or name.replace('_', ' ').capitalize()}:"
        if isinstance(value, Mapping):
            yield label
            yield from _fields(value, labels, depth + 1)
        elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            yield label
            yield from _items(value, labels, depth + 1)
        else:
            yield f"{label} {_text(value)}"


def _items(items: list[Any], labels: Mapping[str, str], depth: int) -> Iterator[str]:
    for item in items:
        first, *others = _fields(item, labels, depth + 1)
        yield f"{INDENT * depth}- {first.lstrip()}"
        yield from others


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(_text(item) for item in value) or NOTHING
    return NOTHING if value is None else printable(str(value))
