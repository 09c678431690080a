"""Defines the types of an output's fields: closed, bounded, and only with values that can be stored.

PostgreSQL's jsonb rejects NUL and lone surrogates, and JSON has no NaN. A paid result must not be lost because of one.
"""

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MAX_PHRASE_LENGTH: Final = 200
MAX_SENTENCE_LENGTH: Final = 600
MAX_LIST_LENGTH: Final = 10

NOT_ASSESSED: Final = "Not assessed."
"""The text of a field that the agent cannot assess. Numeric fields are null in that case."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def replace_unstorable(text: str) -> str:
    """Return the text with every character that cannot be stored replaced by U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def clean_value(value: Any) -> Any:
    """Return a value as it can be stored, for validators: other values than texts are returned unchanged."""
    return replace_unstorable(value) if isinstance(value, str) else value


def _round_whole(value: Any) -> Any:
    """Round a float. Models tend to answer 7.5 instead of a whole number, which does not justify another paid call."""
    return round(value) if isinstance(value, float) and math.isfinite(value) else value


Phrase = Annotated[str, BeforeValidator(clean_value), Field(min_length=1, max_length=MAX_PHRASE_LENGTH)]
Sentence = Annotated[str, BeforeValidator(clean_value), Field(min_length=1, max_length=MAX_SENTENCE_LENGTH)]
Phrases = Annotated[list[Phrase], Field(max_length=MAX_LIST_LENGTH)]
Score = Annotated[int, BeforeValidator(_round_whole), Field(ge=0, le=10)]
Confidence = Annotated[float, Field(ge=0, le=1)]


class Part(BaseModel):
    """A closed group of fields inside an output."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=True)

    supported_by: ClassVar[Mapping[tuple[str, ...], Mapping[str, Any]]] = {}
    """Lists of evidence -> the fields that they support, each with the value that says that it is not assessed. The
    fields get these values when quotes were dropped and none is left in any of the lists."""
