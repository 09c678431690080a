"""An agent's output as the items of its page."""

from webapp.pages.agent_output import describe_output


def test_the_items_have_the_order_of_the_model_with_the_lead_first() -> None:
    output = {
        "complexity": "simple", "type": "idea", "urgency": "soon", "emotional_tone": "curious",
        "implied_needs": ["time", "a longer need that does not fit into a small tag"],
        "entities": {"places": [], "people": ["Mara"], "dates": [], "topics": []},
    }  # fmt: skip
    items = describe_output("classification", output)
    assert [item.label for item in items] == [
        "Type", "Urgency", "Entities", "Emotional tone", "Implied needs", "Complexity",
    ]  # fmt: skip
    assert [item.kind for item in items] == ["text", "text", "group", "text", "lines", "text"]
    assert [(item.label, item.kind) for item in items[2].items] == [
        ("People", "tags"), ("Dates", "empty"), ("Places", "empty"), ("Topics", "empty"),
    ]  # fmt: skip
    assert [item.lead for item in describe_output("priority", {"risk": "x", "final_recommendation": "do"})] == [
        True,
        False,
    ]


def test_a_value_without_a_score_is_shown_as_not_assessed_and_without_a_confidence() -> None:
    [value] = describe_output(
        "value_impact", {"legacy_value": {"score": None, "reasoning": "Not assessed.", "confidence": 0}}
    )
    assert [(item.label, item.kind) for item in value.items] == [("Score", "absent"), ("Reasoning", "absent")]
    [scored] = describe_output("value_impact", {"x": {"score": 7, "confidence": 0.5}})
    assert [item.text for item in scored.items] == ["7 of 10", "50%"]
