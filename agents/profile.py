"""Reads the user's profile, which is arbitrary JSON. A value with an unexpected type is ignored."""

from collections.abc import Mapping
from typing import Any

from agents.output import MAX_LIST_LENGTH, MAX_PHRASE_LENGTH, replace_unstorable


def phrases(profile: Mapping[str, Any], name: str) -> list[str]:
    """Return the texts of a list in the profile, such as `goals`: shortened, cleaned and without blank ones."""
    value = profile.get(name)
    items = value if isinstance(value, list) else []
    texts = [replace_unstorable(item).strip()[:MAX_PHRASE_LENGTH].strip() for item in items if isinstance(item, str)]
    return [text for text in texts if text][:MAX_LIST_LENGTH]


def energy_peaks(profile: Mapping[str, Any]) -> list[str]:
    """Return the times of day at which the user has most energy (`recent_patterns.energy_peaks`)."""
    patterns = profile.get("recent_patterns")
    return phrases(patterns, "energy_peaks") if isinstance(patterns, Mapping) else []
