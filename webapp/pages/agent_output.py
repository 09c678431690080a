"""An agent's output as something to read: the template draws these few shapes and knows no agent.

Whatever an output holds is shown, so a new field needs no new template. Everything is plain text.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from agents.catalogue import AGENTS

NOT_ASSESSED = "Not assessed"
MAX_TAG_LENGTH = 32
"""Words up to this length stand beside each other as tags; longer ones are lines of a list."""

_LABELS = {"who": "Who", "why": "Why", "physical_mental": "Touches", "given_constraints": "Given your constraints"}
_LEAD = ("final_recommendation", "overall_assessment")
"""What is read first, wherever the agent put it."""


@dataclass(frozen=True, slots=True)
class OutputItem:
    """One labelled value. `kind` says which of the others is filled: text, absent, empty, score, share, tags, lines,
    group (`items`) or cards (`cards`, a group each)."""

    label: str
    kind: str
    text: str = ""
    number: float = 0.0
    texts: tuple[str, ...] = ()
    items: tuple["OutputItem", ...] = ()
    cards: tuple[tuple["OutputItem", ...], ...] = ()
    lead: bool = field(default=False)


def describe_output(agent_name: str, output: Mapping[str, Any]) -> tuple[OutputItem, ...]:
    """The items of an agent's output in the order of its model's fields, the verdict first."""
    return tuple(sorted(_items(_in_order(agent_name, output)), key=lambda item: not item.lead))


def _in_order(agent_name: str, output: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same output with its fields as they are declared: jsonb keeps no order.

    An output that an older model wrote, or that nobody knows, is shown as it comes.
    """
    try:
        return AGENTS[agent_name].model_validate(output).model_dump(mode="json")
    except (KeyError, ValidationError):
        return output


def _items(values: Mapping[str, Any]) -> Iterable[OutputItem]:
    """Where no score was given there is no confidence in it either."""
    unscored = "score" in values and values["score"] is None
    return (_item(str(name), value) for name, value in values.items() if not (unscored and name == "confidence"))


def _item(name: str, value: Any) -> OutputItem:
    label, lead = label_of(name), name in _LEAD
    if value is None or (isinstance(value, str) and value.strip(" .").lower() == NOT_ASSESSED.lower()):
        return OutputItem(label, "absent", NOT_ASSESSED, lead=lead)
    if isinstance(value, Mapping):
        return OutputItem(label, "group", items=tuple(_items(value)))
    if isinstance(value, list | tuple):
        return _list(label, value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(name, label, float(value))
    return OutputItem(label, "text", str(value), lead=lead)


def _number(name: str, label: str, value: float) -> OutputItem:
    if name in {"score", "weighted_total"}:
        return OutputItem(label, "score", f"{value:g} of 10", value)
    if name == "confidence":
        return OutputItem(label, "share", f"{value:.0%}", value)
    return OutputItem(label, "text", f"{value:g}")


def _list(label: str, values: Iterable[Any]) -> OutputItem:
    kept = [value for value in values if value is not None]
    if not kept:
        return OutputItem(label, "empty", "None found")
    if any(isinstance(value, Mapping) for value in kept):
        cards = tuple(tuple(_items(value if isinstance(value, Mapping) else {label: value})) for value in kept)
        return OutputItem(label, "cards", cards=cards)
    texts = tuple(str(value) for value in kept)
    return OutputItem(label, "tags" if all(len(text) <= MAX_TAG_LENGTH for text in texts) else "lines", texts=texts)


def label_of(name: str) -> str:
    """A field's name as words."""
    return _LABELS.get(name) or name.replace("_", " ").capitalize()
