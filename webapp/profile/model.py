"""Defines a profile: what a user wrote about themselves, validated and bounded, for the agents to read.

The limits are those of the agents, which would shorten anything longer. An entry is one line, so that the page can show
a list with one entry a line.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Final, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError

from agents.fields import MAX_LIST_LENGTH, MAX_PHRASE_LENGTH
from agents.profile import phrases
from contracts.text import clean
from contracts.visible_text import has_visible_character

_LANGUAGE: Final = re.compile("([A-Za-z]{2,3})(?:-([A-Za-z]{4}))?(?:-([A-Za-z]{2}|[0-9]{3}))?")


def _error(message: str) -> PydanticCustomError:
    return PydanticCustomError("profile", "{message}", {"message": message})


def _entry(value: str) -> str:
    text = " ".join(value.split())
    if not text:
        raise _error("is empty; remove it")
    if not has_visible_character(text):
        raise _error("has no visible character; remove it")
    if clean(text) != text:
        raise _error("contains a NUL or an invalid character, which cannot be stored; remove it")
    if len(text) > MAX_PHRASE_LENGTH:
        raise _error(f"has {len(text)} characters; shorten it to {MAX_PHRASE_LENGTH} or fewer")
    return text


def _bounded(value: Any) -> Any:
    if isinstance(value, list) and len(value) > MAX_LIST_LENGTH:
        raise _error(f"{len(value)} entries are too many; keep the {MAX_LIST_LENGTH} most important ones")
    return value


@cache
def time_zones() -> Mapping[str, str]:
    """Return the IANA time zones that this system knows, by their names in lower case."""
    return {name.lower(): name for name in sorted(available_timezones())}


def _time_zone(value: str) -> str:
    zone = time_zones().get(value.strip().lower()) if value.strip() else ""
    if zone is None:
        raise _error("this is not a known time zone; write one such as Europe/Berlin, or leave it empty")
    return zone


def _language(value: str) -> str:
    match = _LANGUAGE.fullmatch(value.strip())
    if match is None and value.strip():
        raise _error("this is not a language tag; write one such as en, de or pt-BR, or leave it empty")
    language, script, region = match.groups() if match else ("", None, None)
    parts = (language.lower(), (script or "").title(), (region or "").upper())
    return "-".join(part for part in parts if part)


_ENTRY_SCHEMA: Final = {"type": "string", "minLength": 1, "maxLength": MAX_PHRASE_LENGTH, "format": "visible-line"}
_LANGUAGE_SCHEMA: Final = {"type": "string", "pattern": f"^ *({_LANGUAGE.pattern})? *$"}
_TIME_ZONE_SCHEMA: Final = {"type": "string", "format": "time-zone"}

Entry = Annotated[str, AfterValidator(_entry), WithJsonSchema(_ENTRY_SCHEMA)]
Entries = Annotated[
    tuple[Entry, ...], BeforeValidator(_bounded), Field(json_schema_extra={"maxItems": MAX_LIST_LENGTH})
]


class _Closed(BaseModel):
    """Unknown fields are rejected, because a misspelt one would erase what the person wrote before."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class RecentPatterns(_Closed):
    """What the user noticed about themselves lately."""

    energy_peaks: Entries = ()
    """Times of day at which the user has most energy."""
    habits: Entries = ()


class Profile(_Closed):
    """A whole profile; every field may be left out, which leaves it empty."""

    goals: Entries = ()
    constraints: Entries = ()
    values_ranking: Entries = ()
    """The most important value first."""
    recent_patterns: RecentPatterns = RecentPatterns()
    current_challenges: Entries = ()
    time_zone: Annotated[str, AfterValidator(_time_zone), WithJsonSchema(_TIME_ZONE_SCHEMA)] = ""
    """The IANA name of a time zone, or empty."""
    language: Annotated[str, AfterValidator(_language), WithJsonSchema(_LANGUAGE_SCHEMA)] = ""
    """A BCP 47 tag of a language, with a script and a region where needed, or empty."""

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Self:
        """Return a stored profile. What another program stored in an unexpected form is left out, as agents do."""
        patterns = stored.get("recent_patterns")
        patterns = patterns if isinstance(patterns, Mapping) else {}
        lists = {name: _visible_phrases(stored, name) for name in ("goals", "constraints", "values_ranking")}
        return cls.model_validate(
            lists
            | {
                "recent_patterns": {name: _visible_phrases(patterns, name) for name in RecentPatterns.model_fields},
                "current_challenges": _visible_phrases(stored, "current_challenges"),
            }
            | {name: value for name in ("time_zone", "language") if (value := _valid_text(cls, stored, name))}
        )

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON-like values."""
        return self.model_dump(mode="json")

    def to_stored(self) -> dict[str, Any]:
        """Return the fields that are not empty: an empty profile is an empty object, which agents do not read."""
        return self.model_dump(mode="json", exclude_defaults=True)


def _visible_phrases(stored: Mapping[str, Any], name: str) -> list[str]:
    return [phrase for phrase in phrases(stored, name) if has_visible_character(phrase)]


def _valid_text(model: type[Profile], stored: Mapping[str, Any], name: str) -> str:
    try:
        return str(getattr(model.model_validate({name: stored.get(name, "")}), name))
    except ValidationError:
        return ""


def field_errors(invalid: ValidationError) -> dict[str, str]:
    """Return what is wrong, by the dotted name of the field: one sentence without a full stop for each.

    An error in a list counts its entries from 1, and never repeats the value, which may be long.
    """
    errors: dict[str, str] = {}
    for details in invalid.errors(include_url=False, include_input=False):
        name, message = _described(details)
        errors.setdefault(name, message)
    return errors


def _described(details: ErrorDetails) -> tuple[str, str]:
    name = ".".join(part for part in details["loc"] if isinstance(part, str)) or "the body"
    entry = next((f"entry {part + 1}" for part in details["loc"] if isinstance(part, int)), "")
    if details["type"] == "extra_forbidden":
        return name, "this field is unknown"
    if details["type"] != "profile":
        return name, f"{entry or 'this'} is invalid: {details['msg']}"
    return name, f"{entry} {details['msg']}".strip()
