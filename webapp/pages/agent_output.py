"""Turns an agent's output into a few kinds of items, which the template renders without knowing the agent.

Every field of an output that has a value is shown, so a new field needs no new template. What is empty is left out, and
the names of the fields that were not assessed follow behind. All values are plain text.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, get_args

from pydantic import BaseModel

from agents.catalogue import CATALOGUE
from agents.days import day_text
from contracts.visible_text import plain_line

NOT_ASSESSED = "Not assessed"
MAX_TAG_LENGTH = 32
"""Texts of up to this many characters are shown as tags side by side; if one is longer, all are lines of a list."""

_SCORE: Final = "Score"
_BESIDE_THE_FIELDS: Final = frozenset({"found_by", "not_assessed", "resolved_dates"})
"""Fields that say something about the others, and are shown with them."""

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
    """One labelled value. `kind` says which fields are filled: `text` for text and absent; `text` and `number` for
    score and share; `texts` for tags and lines; `items` for group; `cards`, a group each, for cards; `claims` for
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
    found_by: str = ""
    """How the value was found, if the provider says so."""


def describe_output(agent_name: str, output: Mapping[str, Any]) -> tuple[OutputItem, ...]:
    """Return the items of an agent's output in the order of its model's fields, with the agent's lead first, and one
    item of the kind `absent` for each field that was not assessed last.

    Fields that the model does not have, and those of an agent that is not in the catalogue, keep their own order.
    """
    agent = CATALOGUE.find(agent_name)
    values = {name: value for name, value in output.items() if name not in _BESIDE_THE_FIELDS}
    describer = _Describer(
        agent.labels if agent else {}, agent.lead if agent else "", _found_by(output), _unjudged(output), _days(output)
    )
    items = describer.items(_in_field_order(agent.output, values) if agent else values)
    present, absent = _without_absent(sorted(items, key=lambda item: not item.lead))
    return (*present, *({item.label: item for item in absent}.values()))


def _without_absent(items: Iterable[OutputItem]) -> tuple[list[OutputItem], list[OutputItem]]:
    """Return the items with a value, and those without one from all groups. A card is silent about what it lacks."""
    present: list[OutputItem] = []
    absent: list[OutputItem] = []
    for item in items:
        if item.kind == "absent":
            absent.append(item)
        elif item.kind == "group":
            inner, missing = _without_absent(item.items)
            is_unscored = any(part.label == _SCORE for part in missing)
            absent.extend([OutputItem(item.label, "absent", NOT_ASSESSED)] if is_unscored else missing)
            present.extend([replace(item, items=tuple(inner))] if inner else [])
        elif item.kind == "cards":
            present.append(replace(item, cards=tuple(tuple(_without_absent(card)[0]) for card in item.cards)))
        else:
            present.append(item)
    return present, absent


def _found_by(output: Mapping[str, Any]) -> Mapping[str, str]:
    found = output.get("found_by")
    return {str(name): str(how) for name, how in found.items()} if isinstance(found, Mapping) else {}


def _unjudged(output: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the fields that hold only the closest guess."""
    names = output.get("not_assessed")
    return frozenset(map(str, names)) if isinstance(names, list) else frozenset()


def _days(output: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the day of each date that the output quotes, as a text."""
    resolved = output.get("resolved_dates")
    pairs = [item for item in resolved if isinstance(item, Mapping)] if isinstance(resolved, list) else []
    return {str(pair.get("quote")): text for pair in pairs if (text := _day(pair.get("day")))}


def _day(value: Any) -> str:
    try:
        return day_text(date.fromisoformat(str(value)))
    except ValueError:
        return ""


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
    """Turns values into items, using the labels and the lead of one agent, and what is known about its fields."""

    labels: Mapping[str, str] = field(default_factory=dict)
    lead: str = ""
    found_by: Mapping[str, str] = field(default_factory=dict)
    unjudged: frozenset[str] = frozenset()
    days: Mapping[str, str] = field(default_factory=dict)

    def items(self, values: Mapping[str, Any], path: str = "") -> Iterator[OutputItem]:
        """Yield one item for each field, without empty lists and without the confidence where there is no score."""
        is_unscored = "score" in values and values["score"] is None
        for name, value in values.items():
            is_empty = isinstance(value, list | tuple) and all(item is None for item in value)
            if is_empty or (is_unscored and name == "confidence"):
                continue
            item = self._item(str(name), value, f"{path}{name}")
            yield item if item.kind == "absent" else replace(item, found_by=self.found_by.get(f"{path}{name}", ""))

    def _item(self, name: str, value: Any, path: str) -> OutputItem:
        label, is_lead = self.labels.get(name) or name.replace("_", " ").capitalize(), name == self.lead
        if value is None or (isinstance(value, str) and value.strip(" .").lower() == NOT_ASSESSED.lower()):
            return OutputItem(label, "absent", NOT_ASSESSED, lead=is_lead)
        if isinstance(value, Mapping):
            return OutputItem(label, "group", items=tuple(self.items(value, f"{path}.")))
        if _is_evidence(name, value) and all(map(_is_quoted, value)):
            return OutputItem(self.labels.get(name) or "Based on", "evidence", claims=_claims(value))
        if isinstance(value, list | tuple):
            return self._list(label, self._with_days(value) if path == "entities.dates" else value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _number("confidence" if path.startswith("confidence.") else name, label, float(value))
        text = f"{NOT_ASSESSED} (closest: {plain_line(str(value))})" if path in self.unjudged else str(value)
        return OutputItem(label, "text", text, lead=is_lead)

    def _with_days(self, dates: Iterable[Any]) -> list[str]:
        """Return the quoted dates, each with its day: "Friday \u00b7 Fri 13 March 2026"."""
        return [
            f"{plain_line(str(quote))} \u00b7 {self.days[str(quote)]}" if str(quote) in self.days else str(quote)
            for quote in dates
        ]

    def _list(self, label: str, values: Iterable[Any]) -> OutputItem:
        present = [value for value in values if value is not None]
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
