"""Outputs as text for a terminal: without what is empty, and with what is known about each field."""

import pytest

from agents.catalogue import CATALOGUE
from agents.rendering import render_output

CLASSIFICATION = {
    "type": "task",
    "urgency": "soon",
    "entities": {"people": ["mum"], "dates": ["Friday"], "places": [], "topics": []},
    "implied_needs": [],
    "not_assessed": ["urgency"],
    "resolved_dates": [{"quote": "Friday", "day": "2026-03-13"}],
    "found_by": {"type": "the classifier, 83% sure", "entities.people": "a word for a relative"},
}


def test_an_output_is_shown_with_its_days_how_it_was_found_and_what_was_not_assessed() -> None:
    assert render_output(CATALOGUE.named("classification"), CLASSIFICATION).splitlines() == [
        "Classification",
        "  Type: task [the classifier, 83% sure]",
        "  Urgency: not assessed (closest: soon)",
        "  Entities:",
        "    People: mum [a word for a relative]",
        "    Dates: Friday \u00b7 Fri 13 March 2026",
    ]


@pytest.mark.parametrize("control", ["\u202e", "\u2066", "\u200f", "\x1b", "\a", "\x9b", "\n", "\u2028"], ids=ascii)
def test_no_text_of_a_person_or_a_model_reaches_the_terminal_with_a_control_or_a_direction(control: str) -> None:
    written = f"gpj{control}exe"
    output = CLASSIFICATION | {
        "type": written,
        "entities": {"people": [written], "dates": [written], "places": [], "topics": []},
        "implied_needs": [{"statement": written, "quote": written, "source": "thought"}],
        "resolved_dates": [{"quote": written, "day": "2026-03-13"}],
        "found_by": {"type": written},
    }
    shown = render_output(CATALOGUE.named("classification"), output)
    assert shown.count("gpj exe") == 6
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert len(shown.splitlines()) == len(shown.split("\n"))
