"""Makes up results that are labelled as such: valid for every agent's model and the same for the same text."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any, Final, Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from agents.evidence import Claim, Evidence, Quotations, Sources, fold
from agents.fields import replace_unstorable
from agents.output import AgentOutput

EXPLANATION: Final = "Scripted: a made-up result for tests and benches."

_QUOTED_WORDS = 5
_QUOTED_LENGTH = 60


def sample(model: type[BaseModel], text: str) -> Mapping[str, Any]:
    """Return a result for the text: a value for every required field and every list of the model.

    Its quotes are the beginning of the text. Where that is no evidence, as in a text of one space, it has no claims.
    """
    return _Sampler(_beginning(text)).values(model, zlib.crc32(text.encode("utf-8", "surrogatepass")))


def _beginning(text: str) -> str:
    """Return the first words of the text, or "" when they are no evidence."""
    words = " ".join(replace_unstorable(text).split()[:_QUOTED_WORDS])[:_QUOTED_LENGTH].strip()
    return words if Sources({"thought": [fold(text)]}).support("thought", words) else ""


@dataclass(frozen=True, slots=True)
class _Sampler:
    """Makes values of any type; `quote` is what all quotes are."""

    quote: str

    def values(self, model: type[BaseModel], seed: int) -> dict[str, Any]:
        skipped = model.written_by_code if issubclass(model, AgentOutput) else frozenset()
        fields = {
            name: field
            for name, field in model.model_fields.items()
            if name not in skipped and (field.is_required() or _is_list(field))
        }
        if issubclass(model, Quotations):
            return {name: [self.quote] if self.quote else [] for name in fields}
        if issubclass(model, Claim | Evidence):
            return {"source": "thought", "quote": self.quote} | (
                {"statement": EXPLANATION} if issubclass(model, Claim) else {}
            )
        return {name: self._value(field, seed + number) for number, (name, field) in enumerate(fields.items())}

    def _value(self, field: FieldInfo, seed: int) -> Any:
        lowest = next((bound.ge for bound in field.metadata if isinstance(bound, Ge)), 0)
        highest = next((bound.le for bound in field.metadata if isinstance(bound, Le)), 10)
        return self._value_of_type(field.annotation, seed, lowest, highest)

    def _value_of_type(self, type_: Any, seed: int, lowest: Any, highest: Any) -> Any:
        if get_origin(type_) is Literal:
            return get_args(type_)[seed % len(get_args(type_))]
        if get_origin(type_) is list:
            return self._list(get_args(type_)[0], seed, lowest, highest)
        if options := [option for option in get_args(type_) if option is not NoneType]:
            return self._value_of_type(options[0], seed, lowest, highest)
        if type_ is int:
            return lowest + seed % (highest - lowest + 1)
        if type_ is float:
            return (lowest + highest) / 2
        return self.values(type_, seed) if isinstance(type_, type) and issubclass(type_, BaseModel) else EXPLANATION

    def _list(self, type_: Any, seed: int, lowest: Any, highest: Any) -> list[Any]:
        if isinstance(type_, type) and issubclass(type_, Claim | Evidence) and not self.quote:
            return []
        item = self._value_of_type(type_, seed, lowest, highest)
        return [f"scripted {seed % 10}" if isinstance(item, str) else item]


def _is_list(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is list
