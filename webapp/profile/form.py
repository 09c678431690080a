"""Turns a profile into the fields of the form on its page, and what a person wrote there into a profile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from agents.fields import MAX_LIST_LENGTH, MAX_PHRASE_LENGTH
from agents.value_impact import DIMENSIONS
from contracts.visible_text import has_visible_character
from webapp.profile.model import Profile


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of the form. `name` is the dotted name in the profile; `is_list` fields hold one entry a line."""

    name: str
    label: str
    hint: str
    placeholder: str
    is_list: bool = True
    options: str = ""
    """The id of the list of suggestions, or empty."""

    @property
    def id(self) -> str:
        return self.name.replace(".", "-").replace("_", "-")


FIELDS: Final = (
    FormField(
        "goals", "Goals", "What you want to reach. A thought is compared with them.", "Work four days a week by summer"
    ),
    FormField(
        "constraints",
        "Constraints",
        "What limits you: time, money, health, duties.",
        "Two evenings a week are free",
    ),
    FormField(
        "values_ranking",
        "Values",
        f"The most important one first. The total weighs {', '.join(DIMENSIONS)} by it.",
        "Health\nRelational: my family and my friends",
    ),
    FormField(
        "recent_patterns.energy_peaks",
        "When you have most energy",
        "Times of day for what matters most.",
        "Mornings before ten",
    ),
    FormField(
        "recent_patterns.habits",
        "Recent habits",
        "What you noticed about yourself lately.",
        "I start courses and rarely finish them",
    ),
    FormField(
        "current_challenges",
        "Current challenges",
        "What keeps you busy at the moment.",
        "Our flat must be renovated by March",
    ),
    FormField(
        "time_zone",
        "Time zone",
        "So that “tomorrow morning” means yours.",
        "Europe/Berlin",
        is_list=False,
        options="time-zones",
    ),
    FormField("language", "Language", "A tag such as en, de or pt-BR.", "en", is_list=False),
)

LIST_LIMITS: Final = f"One entry a line, at most {MAX_LIST_LENGTH}, of up to {MAX_PHRASE_LENGTH} characters each."


def written_texts(profile: Profile) -> dict[str, str]:
    """Return the text of each field."""
    values = profile.to_json()
    return {field.name: _text(_value(values, field.name)) for field in FIELDS}


def profile_values(written: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of what a person wrote, to be validated. Lines that look blank are left out."""
    values: dict[str, Any] = {}
    for field in FIELDS:
        text = written.get(field.name, "")
        value = [line for line in text.splitlines() if has_visible_character(line)] if field.is_list else text
        group, _, name = field.name.rpartition(".")
        (values.setdefault(group, {}) if group else values)[name] = value
    return values


def _value(values: Mapping[str, Any], name: str) -> Any:
    group, _, last = name.rpartition(".")
    return (values[group] if group else values)[last]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "\n".join(value)
