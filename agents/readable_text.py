"""Turns what a model has written so far into short plain text, for a person who watches it write."""

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel

from agents.fields import NOT_ASSESSED, replace_unstorable
from agents.interface import PartialOutput

MAX_LENGTH: Final = 600
"""Characters. Of a longer text, the end is shown, because that is where it grows."""

QUOTE: Final = "quote"
"""The field of a claim that repeats the author's own text: it is shown with the saved result."""


def readable_text(model: type[BaseModel], partial: PartialOutput) -> str:
    """Return the sentences and list items of a partial output in the order of writing, one per line.

    Scores, enums and fields that the model does not have are left out. Returns "" when there is nothing to read yet.
    """
    return _shorten("\n".join(_texts(model, partial)))


def _texts(annotation: Any, value: Any) -> Iterator[str]:
    if get_origin(annotation) is Annotated:
        yield from _texts(get_args(annotation)[0], value)
    elif get_origin(annotation) in (Union, UnionType):
        for option in get_args(annotation):
            yield from _texts(option, value)
    elif get_origin(annotation) is list and isinstance(value, list | tuple):
        for item in value:
            yield from _texts(get_args(annotation)[0], item)
    elif annotation is str and isinstance(value, str):
        yield from _line(value)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel) and isinstance(value, Mapping):
        for name, item in value.items():
            if name in annotation.model_fields and name != QUOTE:
                yield from _texts(annotation.model_fields[name].annotation, item)


def _line(text: str) -> Iterator[str]:
    line = " ".join(replace_unstorable(text).split())
    if line and line != NOT_ASSESSED:
        yield line


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_LENGTH else "…" + text[1 - MAX_LENGTH :]
