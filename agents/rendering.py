"""Renders outputs as plain text for a terminal."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from agents.agent import Agent
from agents.days import day_text

INDENT: Final = "  "
NOTHING: Final = "-"
_BESIDE_THE_FIELDS: Final = frozenset({"found_by", "not_assessed", "resolved_dates"})
"""Fields that say something about the others, and are shown with them."""


def render_output(agent: Agent, output: Mapping[str, Any]) -> str:
    """Return the title of an agent and the fields of its output, one line each, indented by their depth.

    Empty lists are left out. How a field was found stands behind it in brackets.
    """
    fields = {name: value for name, value in output.items() if name not in _BESIDE_THE_FIELDS}
    renderer = _Renderer(
        agent.labels,
        output.get("found_by") or {},
        frozenset(output.get("not_assessed") or ()),
        {item["quote"]: day_text(date.fromisoformat(item["day"])) for item in output.get("resolved_dates") or ()},
    )
    return "\n".join([agent.title, *renderer.fields(fields, 1)])


def render_spending(tokens_in: int | None, tokens_out: int | None, cost_usd: Decimal | None) -> str:
    """Return tokens and cost as text; what is unknown is called unknown."""
    cost = "cost unknown" if cost_usd is None else f"{cost_usd:.4f} USD"
    if tokens_in is None or tokens_out is None:
        return f"tokens unknown, {cost}"
    return f"{tokens_in} tokens in, {tokens_out} out, {cost}"


def printable(text: str) -> str:
    """Return the text without control characters, which a terminal would obey."""
    return "".join(character if character.isprintable() else " " for character in text)


@dataclass(frozen=True, slots=True)
class _Renderer:
    """Writes fields as lines, with what is known about them."""

    labels: Mapping[str, str]
    found_by: Mapping[str, str]
    unjudged: frozenset[str]
    days: Mapping[str, str]

    def fields(self, fields: Mapping[str, Any], depth: int, path: str = "") -> Iterator[str]:
        for name, value in fields.items():
            if value in ([], {}):
                continue
            label = f"{INDENT * depth}{self.labels.get(name) or name.replace('_', ' ').capitalize()}:"
            found_by = printable(f" [{self.found_by[path + name]}]") if path + name in self.found_by else ""
            if isinstance(value, Mapping):
                yield f"{label}{found_by}"
                yield from self.fields(value, depth + 1, f"{path}{name}.")
            elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
                yield f"{label}{found_by}"
                yield from self._items(value, depth + 1)
            else:
                yield f"{label} {self._value(path + name, value)}{found_by}"

    def _items(self, items: list[Any], depth: int) -> Iterator[str]:
        for item in items:
            first, *others = self.fields(item, depth + 1, "item.")
            yield f"{INDENT * depth}- {first.lstrip()}"
            yield from others

    def _value(self, path: str, value: Any) -> str:
        if path in self.unjudged:
            return f"not assessed (closest: {_text(value)})"
        if path == "entities.dates" and isinstance(value, list):
            return _text([f"{quote} \u00b7 {self.days[quote]}" if quote in self.days else quote for quote in value])
        return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(_text(item) for item in value) or NOTHING
    return NOTHING if value is None else printable(str(value))
