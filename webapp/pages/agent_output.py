"""Turns an agent's output into a few kinds of items, which the template renders without knowing the agent.

Every field of an output is shown, so a new field needs no new template. All values are plain text.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from agents.agent import Agent
from agents.catalogue import CATALOGUE

NOT_ASSESSED = "Not assessed"
MAX_TAG_LENGTH = 32
"""Texts of up to this many characters are shown as tags side by side; if one is longer, all are lines of a list."""


@dataclass(frozen=True, slots=True)
class OutputItem:
    """One labelled value. `kind` says which fields are filled: `text` for text, absent and empty; `text` and `number`
    for score and share; `texts` for tags and lines; `items` for group; `cards`, a group each, for cards."""

    label: str
    kind: str
    text: str = ""
    number: float = 0.0
    texts: tuple[str, ...] = ()
    items: tuple["OutputItem", ...] = ()
    cards: tuple[tuple["OutputItem", ...], ...] = ()
    lead: bool = field(default=False)


def describe_output(agent_name: str, output: Mapping[str, Any]) -> tuple[OutputItem, ...]:
    """Return the items of an agent's output in the order of its model's fields, with the agent's lead first.

    An output of an older model, or of an agent that is not in the catalogue, keeps the order of its own fields.
    """
    agent = CATALOGUE.find(agent_name)
    if agent is None:
        return tuple(_Describer().items(output))
    describer = _Describer(agent.labels, agent.lead)
    return tuple(sorted(describer.items(_in_field_order(agent, output)), key=lambda item: not item.lead))


def _in_field_order(agent: Agent, output: Mapping[str, Any]) -> Mapping[str, Any]:
    """Sort the fields into the order of the model, because jsonb does not keep their order."""
    try:
        return agent.output.model_validate(output).model_dump(mode="json")
    except ValidationError:
        return output


@dataclass(frozen=True, slots=True)
class _Describer:
    """Turns values into items, using the labels and the lead of one agent."""

    labels: Mapping[str, str] = field(default_factory=dict)
    lead: str = ""

    def items(self, values: Mapping[str, Any]) -> Iterator[OutputItem]:
        """Yield one item for each field. The confidence is left out when no score was given."""
        is_unscored = "score" in values and values["score"] is None
        for name, value in values.items():
            if not (is_unscored and name == "confidence"):
                yield self._item(str(name), value)

    def _item(self, name: str, value: Any) -> OutputItem:
        label, is_lead = self.labels.get(name) or name.replace("_", " ").capitalize(), name == self.lead
        if value is None or (isinstance(value, str) and value.strip(" .").lower() == NOT_ASSESSED.lower()):
            return OutputItem(label, "absent", NOT_ASSESSED, lead=is_lead)
        if isinstance(value, Mapping):
            return OutputItem(label, "group", items=tuple(self.items(value)))
        if isinstance(value, list | tuple):
            return self._list(label, value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _number(name, label, float(value))
        return OutputItem(label, "text", str(value), lead=is_lead)

    def _list(self, label: str, values: Iterable[Any]) -> OutputItem:
        present = [value for value in values if value is not None]
        if not present:
            return OutputItem(label, "empty", "None found")
        if any(isinstance(value, Mapping) for value in present):
            groups = [value if isinstance(value, Mapping) else {label: value} for value in present]
            return OutputItem(label, "cards", cards=tuple(tuple(self.items(group)) for group in groups))
        texts = tuple(str(value) for value in present)
        return OutputItem(label, "tags" if all(len(text) <= MAX_TAG_LENGTH for text in texts) else "lines", texts=texts)


def _number(name: str, label: str, value: float) -> OutputItem:
    if name in {"score", "weighted_total"}:
        return OutputItem(label, "score", f"{value:g} of 10", value)
    if name == "confidence":
        return OutputItem(label, "share", f"{value:.0%}", value)
    return OutputItem(label, "text", f"{value:g}")
