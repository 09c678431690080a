"""Makes up results that are labelled as such: valid for every agent's model and the same for the same text."""

import zlib
from collections.abc import Mapping
from types import NoneType
from typing import Any, Final, Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo

EXPLANATION: Final = "Scripted: a made-up result for tests and benches."


def sample(model: type[BaseModel], text: str) -> Mapping[str, Any]:
    """Return a result for the text, with a value for every required field of the model."""
    return _values(model, zlib.crc32(text.encode("utf-8", "surrogatepass")))


def _values(model: type[BaseModel], seed: int) -> dict[str, Any]:
    required = {name: field for name, field in model.model_fields.items() if field.is_required()}
    return {name: _value(field, seed + number) for number, (name, field) in enumerate(required.items())}


def _value(field: FieldInfo, seed: int) -> Any:
    lowest = next((bound.ge for bound in field.metadata if isinstance(bound, Ge)), 0)
    highest = next((bound.le for bound in field.metadata if isinstance(bound, Le)), 10)
    return _value_of_type(field.annotation, seed, lowest, highest)


def _value_of_type(type_: Any, seed: int, lowest: Any, highest: Any) -> Any:
    if get_origin(type_) is Literal:
        return get_args(type_)[seed % len(get_args(type_))]
    if get_origin(type_) is list:
        item = _value_of_type(get_args(type_)[0], seed, lowest, highest)
        return [f"scripted {seed % 10}" if isinstance(item, str) else item]
    if options := [option for option in get_args(type_) if option is not NoneType]:
        return _value_of_type(options[0], seed, lowest, highest)
    if type_ is int:
        return lowest + seed % (highest - lowest + 1)
    if type_ is float:
        return (lowest + highest) / 2
    return _values(type_, seed) if isinstance(type_, type) and issubclass(type_, BaseModel) else EXPLANATION
