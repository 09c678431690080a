"""Checks the evidence of an output: a quote that is not in its source is dropped, together with its claim.

A claim says something about the thought, the profile or an earlier thought. Models invent such claims; a quote that
must be found in its source shows the reader what the claim stands on.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NamedTuple, Self, TypeVar, cast

from pydantic import BeforeValidator, Field, ValidationInfo

from agents.fields import MAX_LIST_LENGTH, MAX_PHRASE_LENGTH, Part, Sentence, clean_value, replace_unstorable
from agents.interface import AgentInput
from agents.profile import texts

Source = Literal["thought", "profile", "earlier_thought"]

READS_STORED: Final = "reads_stored"
"""Key of the validation context with which a stored output is read. Its claims may be of a former version."""

MAX_QUOTE_LENGTH: Final = MAX_PHRASE_LENGTH

_MIN_ASCII_LENGTH = 3
"""Shorter quotes are in almost every text. Scripts other than Latin say much with one or two characters."""

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e0fff]"
)
"""Soft hyphens, zero-width and bidirectional controls, variation selectors and tags: models leave them out."""

_TYPOGRAPHY = str.maketrans(
    {**dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc", "'"), **dict.fromkeys("\u201c\u201d\u201e\u201f", '"'),
     **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")}
)  # fmt: skip
"""Models write straight quotation marks and dashes, or curly ones, whatever the source has."""


def _cut_quote(value: Any) -> Any:
    """Cut a quote that is too long. The beginning of a true quote is true, and does not justify another paid call."""
    return clean_value(value[:MAX_QUOTE_LENGTH]) if isinstance(value, str) else value


Quote = Annotated[
    str,
    BeforeValidator(_cut_quote),
    Field(max_length=MAX_QUOTE_LENGTH, description="Copied word for word from the source, without quotation marks."),
]


class Evidence(Part):
    """A quote that supports the fields beside it."""

    source: Source
    quote: Quote


class Claim(Part):
    """A statement about a source, with the quote that supports it."""

    statement: Sentence
    source: Source
    quote: Quote


class Quotations(Part):
    """Lists of phrases that are all quotes from the thought."""


def _drop_unquoted(value: Any, info: ValidationInfo) -> Any:
    """Leave the claims of a stored output out that are plain texts, as before the claims carried evidence."""
    is_stored = isinstance(info.context, Mapping) and info.context.get(READS_STORED)
    return [item for item in value if not isinstance(item, str)] if is_stored and isinstance(value, list) else value


Claims = Annotated[list[Claim], BeforeValidator(_drop_unquoted), Field(max_length=MAX_LIST_LENGTH)]
EvidenceList = Annotated[list[Evidence], Field(max_length=MAX_LIST_LENGTH)]

P = TypeVar("P", bound=Part)


class Supported(NamedTuple):
    """A checked value, and how many quotes were dropped from it."""

    value: Any
    dropped: int


@dataclass(frozen=True, slots=True)
class Sources:
    """What a call's claims can be about, folded for comparison."""

    folded: Mapping[Source, Sequence[str]]

    @classmethod
    def of(cls, agent_input: AgentInput) -> Self:
        """Return the sources of one call: only its own input."""
        return cls(
            {
                "thought": _fold_all([agent_input.text]),
                "profile": _fold_all(texts(agent_input.profile)),
                "earlier_thought": _fold_all(earlier.text for earlier in agent_input.earlier_thoughts),
            }
        )

    def contain(self, source: Source, quote: str) -> bool:
        """Return whether the quote is in one text of this source, ignoring white space, case and typography."""
        folded = fold(quote)
        return _has_content(folded) and any(folded in text for text in self.folded[source])

    def support(self, source: Source, quote: str) -> bool:
        """Return whether the source contains the quote and the quote is long enough to be evidence."""
        folded = fold(quote)
        is_long_enough = len(folded) >= _MIN_ASCII_LENGTH or not folded.isascii() or folded in self.folded[source]
        return is_long_enough and self.contain(source, quote)


def fold(text: str) -> str:
    """Return the text in the form in which quotes are compared with their sources."""
    visible = _INVISIBLE.sub("", replace_unstorable(text))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    return " ".join(folded.translate(_TYPOGRAPHY).split())


def _fold_all(sources: Iterable[str]) -> list[str]:
    return [fold(text) for text in sources]


def _has_content(folded: str) -> bool:
    """Return whether there is more than punctuation and spaces. A symbol counts: a thought may be a single emoji."""
    return any(unicodedata.category(character)[0] in "LNS" for character in folded)


def drop_unsupported(part: P, sources: Sources) -> tuple[P, int]:
    """Return the part without the claims, evidence and quotations that its sources do not contain, and their number."""
    checked = _check_part(part, sources)
    return cast(P, checked.value), checked.dropped


def _check_part(part: Part, sources: Sources) -> Supported:
    is_quotations = isinstance(part, Quotations)
    fields = {name: getattr(part, name) for name in type(part).model_fields}
    results = {name: _check_value(value, sources, is_quotations) for name, value in fields.items()}
    changed = {name: result.value for name, result in results.items() if result.dropped}
    if not changed:
        return Supported(part, 0)
    for lists, unassessed in part.supported_by.items():
        if changed.keys() & set(lists) and not any(results[name].value for name in lists):
            changed.update(unassessed)
    return Supported(part.model_copy(update=changed), sum(result.dropped for result in results.values()))


def _check_value(value: Any, sources: Sources, is_quotations: bool) -> Supported:
    if isinstance(value, Part):
        return _check_part(value, sources)
    if not isinstance(value, list):
        return Supported(value, 0)
    kept = [item for item in value if _is_supported(item, sources, is_quotations)]
    inner = [_check_part(item, sources) if isinstance(item, Part) else Supported(item, 0) for item in kept]
    dropped = len(value) - len(kept) + sum(result.dropped for result in inner)
    return Supported([result.value for result in inner], dropped)


def _is_supported(item: Any, sources: Sources, is_quotation: bool) -> bool:
    if isinstance(item, Claim | Evidence):
        return sources.support(item.source, item.quote)
    return not is_quotation or sources.contain("thought", item)
