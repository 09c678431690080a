"""Reads the user's profile, which is arbitrary JSON. A value with an unexpected type is ignored."""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from agents.fields import MAX_LIST_LENGTH, MAX_PHRASE_LENGTH, replace_unstorable

PROFILE_FIELDS: Final = ("goals", "constraints", "values_ranking", "recent_patterns", "current_challenges", "language")
"""The fields that agents may read. A profile may hold more, which no agent sees."""


def phrases(profile: Mapping[str, Any], name: str) -> list[str]:
    """Return the texts of a list in the profile, such as `goals`: shortened, cleaned and without blank ones."""
    value = profile.get(name)
    items = value if isinstance(value, list) else []
    return [text for text in map(_phrase, items) if text][:MAX_LIST_LENGTH]


def energy_peaks(profile: Mapping[str, Any]) -> list[str]:
    """Return the times of day at which the user has most energy (`recent_patterns.energy_peaks`)."""
    patterns = profile.get("recent_patterns")
    return phrases(patterns, "energy_peaks") if isinstance(patterns, Mapping) else []


def selected(profile: Mapping[str, Any], fields: tuple[str, ...] = PROFILE_FIELDS) -> dict[str, Any]:
    """Return these fields of the profile as agents see them: bounded and without blank values.

    A value is a text, a list of texts or, for `recent_patterns`, a mapping of such values.
    """
    values = {name: _bounded(profile.get(name)) for name in fields}
    return {name: value for name, value in values.items() if value}


def texts(profile: Mapping[str, Any]) -> list[str]:
    """Return every text of the profile that an agent may have seen."""
    return _leaves(selected(profile))


def time_zone_name(profile: Mapping[str, Any]) -> str:
    """Return the name of the user's time zone as the profile gives it, or ""."""
    name = profile.get("time_zone")
    return name if isinstance(name, str) else ""


def time_zone(profile: Mapping[str, Any]) -> tzinfo:
    """Return the user's time zone, or UTC when the profile names none that is known here."""
    name = time_zone_name(profile)
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):  # an unknown name, or a path
        return UTC


def _phrase(value: Any) -> str:
    return replace_unstorable(value).strip()[:MAX_PHRASE_LENGTH].strip() if isinstance(value, str) else ""


def _bounded(value: Any) -> Any:
    if isinstance(value, list):
        return phrases({"values": value}, "values")
    if isinstance(value, Mapping):
        inner = {_phrase(key): _flat(item) for key, item in list(value.items())[:MAX_LIST_LENGTH]}
        return {key: item for key, item in inner.items() if key and item}
    return _phrase(value)


def _flat(value: Any) -> Any:
    return None if isinstance(value, Mapping) else _bounded(value)


def _leaves(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = list(value.values()) if isinstance(value, Mapping) else value
    return [leaf for item in inner for leaf in _leaves(item)]
