"""Made-up results that say so: valid for every agent's model, the same for the same text, cheap to make."""

import zlib
from collections.abc import Mapping
from types import NoneType
from typing import Any, Final, Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo

EXPLANATION: Final = "Scripted: a made-up result for tests and benches."


def sample(model: type[BaseModel], text: str) -> Mapping[str, Any]:
    """A result for the text with a value for every required field of the model."""
    return _values(model, zlib.crc32(text.encode("utf-8", "surrogatepass")))


def _values(model: type[BaseModel], seed: int) -> dict[str, Any]:
    required = {name: field for name, field in model.model_fields.items() if field.is_required()}
    return {name: _value(field, seed + number) for number, (name, field) in enumerate(required.items())}


def _value(field: FieldInfo, seed: int) -> Any:
    lowest = next((bound.ge for bound in field.metadata if isinstance(bound, Ge)), 0)
    highest = next((bound.le for bound in field.metadata if isinstance(bound, Le)), 10)
    return _of_type(field.annotation, seed, lowest, highest)


def _of_type(kind: Any, seed: int, lowest: Any, highest: Any) -> Any:
    if get_origin(kind) is Literal:
        return get_args(kind)[seed % len(get_args(kind))]
    if get_origin(kind) is list:
        item = _of_type(get_args(kind)[0], seed, lowest, highest)
        return [f"scripted {seed % 10}" if isinstance(item, str) else item]
    if options := [option for option in get_args(kind) if option is not NoneType]:
        return _of_type(options[0], seed, lowest, highest)
    if kind is int:
        return lowest + seed % (highest - lowest + 1)
    if kind is float:
        return (lowest + highest) / 2
    return _values(kind, seed) if isinstance(kind, type) and issubclass(kind, BaseModel) else EXPLANATION
