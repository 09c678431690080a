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
        ("People", "tags"),
    ]  # fmt: skip
    assert [item.lead for item in describe_output("priority", {"risk": "x", "final_recommendation": "do"})] == [
        True,
        False,
    ]


def test_a_value_without_a_score_is_shown_as_not_assessed_and_without_a_confidence() -> None:
    unscored = {"score": None, "reasoning": "Not assessed.", "confidence": 0, "timeframe": "Not assessed."}
    [value] = describe_output("value_impact", {"legacy_value": unscored})
    assert (value.label, value.kind, value.text) == ("Legacy value", "absent", "Not assessed")
    [scored] = describe_output("value_impact", {"x": {"score": 7, "confidence": 0.5}})
    assert [item.text for item in scored.items] == ["7 of 10", "50%"]
    [confidences] = describe_output("classification", {"confidence": {"type": 0.993}})
    assert [item.text for item in confidences.items] == ["99%"]


def test_a_field_that_was_not_judged_is_shown_as_not_assessed_with_the_closest_guess() -> None:
    output = {"type": "task", "urgency": "soon", "not_assessed": ["type"]}
    assert [(item.label, item.text) for item in describe_output("classification", output)] == [
        ("Type", "Not assessed (closest: task)"), ("Urgency", "soon"),
    ]  # fmt: skip


def test_a_date_is_shown_with_its_day() -> None:
    entities = {"people": [], "dates": ["Friday", "some day"], "places": [], "topics": []}
    resolved = [{"quote": "Friday", "day": "2026-03-13"}, {"quote": "some day", "day": "no day"}, "a former version"]
    [group] = describe_output("classification", {"entities": entities, "resolved_dates": resolved})
    [dates] = group.items
    assert dates.texts == ("Friday \u00b7 Fri 13 March 2026", "some day")


def test_how_a_field_was_found_is_shown_with_the_field_and_not_as_a_field() -> None:
    found_by = {"type": "the classifier, 83% sure", "entities.people": "a name after a verb of contact", "gone": "x"}
    output = {"type": "task", "entities": {"people": ["Mara"], "dates": []}, "found_by": found_by}
    kind, entities = describe_output("classification", output)
    assert (kind.found_by, entities.found_by) == ("the classifier, 83% sure", "")
    assert entities.items[0].found_by == "a name after a verb of contact"


def test_what_was_not_assessed_follows_once_behind_the_rest_and_a_card_is_silent_about_it() -> None:
    win = {"action": "Call mum", "duration": "Not assessed.", "timing": "today", "outcome": "Not assessed."}
    plan = describe_output("action_plan", {"quick_wins": [win, win], "avoid": []})
    assert [[item.label for item in card] for card in plan[0].cards] == [["Action", "Timing"]] * 2
    assert len(plan) == 1
    assessment = {"feasibility": "Not assessed.", "time_required": "Not assessed.", "given_constraints": "No car."}
    analysis = describe_output("analysis", {"realistic_assessment": assessment, "opportunity_cost": "Not assessed."})
    assert [(item.label, item.kind) for item in analysis] == [
        ("Realistic assessment", "group"), ("Feasibility", "absent"), ("Time required", "absent"),
        ("Opportunity cost", "absent"),
    ]  # fmt: skip


def test_data_beside_the_fields_of_any_shape_is_survived() -> None:
    output = {"type": "task", "found_by": ["x"], "not_assessed": {"type": 1}, "resolved_dates": "x"}
    assert [item.text for item in describe_output("classification", output)] == ["task"]
