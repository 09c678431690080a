"""Reading the user's profile, which is free JSON: whatever has another shape than expected counts as not said."""

from collections.abc import Mapping
from typing import Any

from agents.output import MAX_LIST_LENGTH, MAX_PHRASE_LENGTH, clean


def phrases(profile: Mapping[str, Any], name: str) -> list[str]:
    """The texts of a list in the profile, such as `goals`: bounded, cleaned, blank ones left out."""
    found = profile.get(name)
    items = found if isinstance(found, list) else []
    texts = [clean(item).strip()[:MAX_PHRASE_LENGTH].strip() for item in items if isinstance(item, str)]
    return [text for text in texts if text][:MAX_LIST_LENGTH]


def energy_peaks(profile: Mapping[str, Any]) -> list[str]:
    """When the user says to have most energy (`recent_patterns.energy_peaks`)."""
    patterns = profile.get("recent_patterns")
    return phrases(patterns, "energy_peaks") if isinstance(patterns, Mapping) else []
