"""Outputs as text for a terminal: without what is empty, and with what is known about each field."""

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
