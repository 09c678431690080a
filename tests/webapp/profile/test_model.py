"""The validation of a profile: bounds, time zones, languages, and what other programs stored."""

from typing import Any

import pytest
from pydantic import ValidationError

from agents.fields import MAX_LIST_LENGTH, MAX_PHRASE_LENGTH
from webapp.profile.model import Profile, field_errors

FULL: dict[str, Any] = {
    "goals": ["Work four days a week"],
    "constraints": ["Two evenings are free"],
    "values_ranking": ["health", "growth"],
    "recent_patterns": {"energy_peaks": ["mornings"], "habits": ["I start too much"]},
    "current_challenges": ["A renovation"],
    "time_zone": "Europe/Berlin",
    "language": "de",
}


def errors(**values: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as raised:
        Profile.model_validate(values)
    return field_errors(raised.value)


def test_a_full_profile_is_stored_as_it_was_written() -> None:
    assert Profile.model_validate(FULL).to_stored() == FULL
    assert Profile.from_stored(FULL) == Profile.model_validate(FULL)


def test_an_empty_profile_is_stored_as_an_empty_object() -> None:
    empty = {"goals": [], "recent_patterns": {"energy_peaks": []}, "time_zone": " ", "language": ""}
    assert Profile.model_validate(empty).to_stored() == {}


def test_an_entry_is_one_line_without_surrounding_white_space() -> None:
    assert Profile(goals=("  sleep\n more ",)).goals == ("sleep more",)


@pytest.mark.parametrize("name", ["goals", "constraints", "values_ranking", "current_challenges"])
def test_lists_and_entries_are_bounded(name: str) -> None:
    longest = ["x" * MAX_PHRASE_LENGTH] * MAX_LIST_LENGTH
    assert Profile.model_validate({name: longest}).to_stored() == {name: longest}
    assert errors(**{name: [*longest, "y"]}) == {name: "11 entries are too many; keep the 10 most important ones"}
    assert errors(**{name: ["a", "x" * (MAX_PHRASE_LENGTH + 1)]}) == {
        name: "entry 2 has 201 characters; shorten it to 200 or fewer"
    }


@pytest.mark.parametrize("name", ["energy_peaks", "habits"])
def test_the_lists_of_recent_patterns_are_bounded(name: str) -> None:
    assert errors(recent_patterns={name: ["y"] * (MAX_LIST_LENGTH + 1)}) == {
        f"recent_patterns.{name}": "11 entries are too many; keep the 10 most important ones"
    }


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"goal": ["x"]}, "goal", "this field is unknown"),
        ({"recent_patterns": {"moods": []}}, "recent_patterns.moods", "this field is unknown"),
        ({"goals": ["a\x00b"]}, "goals", "entry 1 contains a NUL"),
        ({"goals": ["a\ud800b"]}, "goals", "entry 1 contains a NUL"),
        ({"goals": [" "]}, "goals", "entry 1 is empty"),
        ({"goals": "x"}, "goals", "this is invalid"),
        ({"goals": [1]}, "goals", "entry 1 is invalid"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone", "this is not a known time zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone", "this is not a known time zone"),
        ({"language": "german!"}, "language", "this is not a language tag"),
        ({"language": "de-"}, "language", "this is not a language tag"),
    ],
    ids=lambda value: str(value).encode("ascii", "backslashreplace").decode().replace("\x00", "NUL"),
)
def test_an_invalid_value_is_named_with_its_field(values: dict[str, Any], field: str, message: str) -> None:
    assert errors(**values)[field].startswith(message)


def test_an_error_never_repeats_the_value() -> None:
    assert "secret" not in str(errors(goals=["secret" * 50], time_zone="secret"))


@pytest.mark.parametrize(
    ("written", "stored"),
    [("EN", "en"), (" pt-br ", "pt-BR"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419"), ("gsw", "gsw")],
)
def test_a_language_tag_is_written_in_its_usual_case(written: str, stored: str) -> None:
    assert Profile(language=written).language == stored


@pytest.mark.parametrize(
    ("written", "stored"), [("europe/berlin", "Europe/Berlin"), (" UTC ", "UTC"), ("America/Argentina/Ushuaia",) * 2]
)
def test_a_time_zone_is_found_in_any_case(written: str, stored: str) -> None:
    assert Profile(time_zone=written).time_zone == stored


@pytest.mark.parametrize(
    "stored",
    [
        {"goals": "text", "recent_patterns": 7, "time_zone": 3, "language": ["de"], "else": {}},
        {"goals": [None, 3, "", " "], "recent_patterns": {"energy_peaks": {"a": 1}}, "time_zone": "Nowhere"},
    ],
    ids=["types", "entries"],
)
def test_what_another_program_stored_in_another_form_is_left_out(stored: dict[str, Any]) -> None:
    assert Profile.from_stored(stored) == Profile()


def test_what_another_program_stored_too_long_is_shortened() -> None:
    profile = Profile.from_stored({"goals": ["x" * 500] * 50})
    assert (len(profile.goals), len(profile.goals[0])) == (MAX_LIST_LENGTH, MAX_PHRASE_LENGTH)
