"""Turns an agent's output into a few kinds of items, which the template renders without knowing the agent.

Every field of an output is shown, so a new field needs no new template. All values are plain text.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, get_args

from pydantic import BaseModel

from agents.catalogue import CATALOGUE

NOT_ASSESSED = "Not assessed"
MAX_TAG_LENGTH = 32
"""Texts of up to this many characters are shown as tags side by side; if one is longer, all are lines of a list."""

SOURCE_TEXTS: Final = {
    "thought": "your thought",
    "profile": "your profile",
    "earlier_thought": "an earlier thought",
}


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A quote and where it is from. `statement` is what it supports; "" when it supports the texts beside it."""

    statement: str
    quote: str
    source: str


@dataclass(frozen=True, slots=True)
class OutputItem:
    """One labelled value. `kind` says which fields are filled: `text` for text, absent and empty; `text` and `number`
    for score and share; `texts` for tags and lines; `items` for group; `cards`, a group each, for cards; `claims` for
    claims and for evidence, which has no statements."""

    label: str
    kind: str
    text: str = ""
    number: float = 0.0
    texts: tuple[str, ...] = ()
    items: tuple["OutputItem", ...] = ()
    cards: tuple[tuple["OutputItem", ...], ...] = ()
    claims: tuple[ClaimView, ...] = ()
    lead: bool = field(default=False)


def describe_output(agent_name: str, output: Mapping[str, Any]) -> tuple[OutputItem, ...]:
    """Return the items of an agent's output in the order of its model's fields, with the agent's lead first.

    Fields that the model does not have, and those of an agent that is not in the catalogue, keep their own order.
    """
    agent = CATALOGUE.find(agent_name)
    if agent is None:
        return tuple(_Describer().items(output))
    describer = _Describer(agent.labels, agent.lead)
    return tuple(sorted(describer.items(_in_field_order(agent.output, output)), key=lambda item: not item.lead))


def _in_field_order(model: type[BaseModel] | None, value: Any) -> Any:
    """Sort the fields into the order of the model, because jsonb does not keep their order.

    The value is not validated: an output of a former version is shown as well.
    """
    if isinstance(value, list):
        return [_in_field_order(model, item) for item in value]
    if model is None or not isinstance(value, Mapping):
        return value
    known = [name for name in model.model_fields if name in value]
    names = [*known, *(name for name in value if name not in known)]
    return {name: _in_field_order(_inner_model(model, name), value[name]) for name in names}


def _inner_model(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """Return the model of a field's value, or of the items of its list, or None when it is another type."""
    annotation = model.model_fields[name].annotation if name in model.model_fields else None
    candidates = (annotation, *get_args(annotation))
    return next((type_ for type_ in candidates if isinstance(type_, type) and issubclass(type_, BaseModel)), None)


def _is_evidence(name: str, value: Any) -> bool:
    return isinstance(value, list) and (name == "evidence" or name.endswith("_evidence"))


def _is_quoted(value: Any) -> bool:
    return isinstance(value, Mapping) and {"quote", "source"} <= value.keys()


@dataclass(frozen=True, slots=True)
class _Describer:
    """Turns values into items, using the labels and the lead of one agent."""

    labels: Mapping[str, str] = field(default_factory=dict)
    lead: str = ""

    def items(self, values: Mapping[str, Any]) -> Iterator[OutputItem]:
        """Yield one item for each field, without empty evidence and without the confidence where there is no score."""
        is_unscored = "score" in values and values["score"] is None
        for name, value in values.items():
            is_left_out = (is_unscored and name == "confidence") or (_is_evidence(name, value) and not value)
            if not is_left_out:
                yield self._item(str(name), value)

    def _item(self, name: str, value: Any) -> OutputItem:
        label, is_lead = self.labels.get(name) or name.replace("_", " ").capitalize(), name == self.lead
        if value is None or (isinstance(value, str) and value.strip(" .").lower() == NOT_ASSESSED.lower()):
            return OutputItem(label, "absent", NOT_ASSESSED, lead=is_lead)
        if isinstance(value, Mapping):
            return OutputItem(label, "group", items=tuple(self.items(value)))
        if _is_evidence(name, value) and all(map(_is_quoted, value)):
            return OutputItem(self.labels.get(name) or "Based on", "evidence", claims=_claims(value))
        if isinstance(value, list | tuple):
            return self._list(label, value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _number(name, label, float(value))
        return OutputItem(label, "text", str(value), lead=is_lead)

    def _list(self, label: str, values: Iterable[Any]) -> OutputItem:
        present = [value for value in values if value is not None]
        if not present:
            return OutputItem(label, "empty", "None found")
        if any(_is_quoted(value) and "statement" in value for value in present):
            return OutputItem(label, "claims", claims=_claims(present))
        if any(isinstance(value, Mapping) for value in present):
            groups = [value if isinstance(value, Mapping) else {label: value} for value in present]
            return OutputItem(label, "cards", cards=tuple(tuple(self.items(group)) for group in groups))
        texts = tuple(str(value) for value in present)
        return OutputItem(label, "tags" if all(len(text) <= MAX_TAG_LENGTH for text in texts) else "lines", texts=texts)


def _claims(values: Iterable[Any]) -> tuple[ClaimView, ...]:
    """Return the claims of a list, in which a former version or a faulty provider may have left plain texts."""
    return tuple(_claim(value) if isinstance(value, Mapping) else ClaimView(str(value), "", "") for value in values)


def _claim(value: Mapping[str, Any]) -> ClaimView:
    source = str(value.get("source", ""))
    return ClaimView(str(value.get("statement", "")), str(value.get("quote", "")), SOURCE_TEXTS.get(source, source))


def _number(name: str, label: str, value: float) -> OutputItem:
    if name in {"score", "weighted_total"}:
        return OutputItem(label, "score", f"{value:g} of 10", value)
    if name == "confidence":
        return OutputItem(label, "share", f"{value:.0%}", value)
    return OutputItem(label, "text", f"{value:g}")
