"""The priority: its floor is computed, and an urgent thought is never told that it can wait."""

from datetime import timedelta
from typing import Any

import pytest

from agents.catalogue import CATALOGUE
from agents.interface import AgentInput
from agents.output import validate_output
from agents.priority import Priority
from agents.priority_floor import LEVELS
from agents.scripted.samples import sample
from tests.agents.calls import WRITTEN_AT, make_input

ADVICE = "It is due: do it today, or decide today what happens without it."


def make_urgent(text: str = "any text", urgency: str = "eventually", kind: str = "task", **fields: Any) -> AgentInput:
    classification = {**sample(CATALOGUE.named("classification").output, text), "urgency": urgency, "type": kind}
    return make_input(text, previous={"classification": classification}, **fields)


def answered(agent_input: AgentInput, level: str = "Defer", start: str = "now", advice: str = "Do it.") -> Priority:
    answer = {
        **sample(CATALOGUE.named("priority").output, agent_input.text),
        "priority_level": level,
        "final_recommendation": advice,
        "recommended_timeline": {"start": start, "duration": "an hour", "checkpoints": []},
    }
    return validate_output(Priority, answer, agent_input).output


@pytest.mark.parametrize("text", ["Send the form today", "Send the form by 2026-11-24", "Send it by 23 November"])
def test_a_date_raises_the_level_although_the_model_sees_no_urgency(text: str) -> None:
    output = answered(make_urgent(text), advice="It can wait until spring.", start="next spring")
    assert (output.priority_level, output.final_recommendation) == ("Medium", ADVICE)
    assert output.recommended_timeline.start == "today"
    assert output.urgency_reasoning.startswith("Raised from Defer to Medium: it names \u201c")


def test_a_date_that_came_near_while_the_thought_waited_raises_the_level() -> None:
    text = "Send the form by 2026-12-20"
    assert answered(make_urgent(text)).priority_level == "Defer"
    assert answered(make_urgent(text, called_at=WRITTEN_AT + timedelta(days=27))).priority_level == "Medium"


@pytest.mark.parametrize(
    ("kind", "urgency"), [("observation", "eventually"), ("emotion", "eventually"), ("task", "never")]
)
def test_a_date_that_is_no_deadline_does_not_raise_the_level(kind: str, urgency: str) -> None:
    output = answered(make_urgent("The sunset was beautiful today", urgency, kind), advice="It can wait.")
    assert (output.priority_level, output.final_recommendation) == ("Defer", "It can wait.")


def test_a_feeling_about_a_day_to_come_has_a_deadline_and_one_about_a_day_that_is_here_has_none() -> None:
    ahead = answered(make_urgent("I must go tomorrow, and I am anxious", kind="emotion"), "Low", advice="It can wait.")
    here = answered(make_urgent("Today was awful", kind="emotion"), "Low", advice="It can wait.")
    assert "wait" not in ahead.final_recommendation
    assert "it names \u201ctomorrow\u201d" in ahead.urgency_reasoning
    assert here.final_recommendation == "It can wait."


@pytest.mark.parametrize(
    ("advice", "start"),
    [
        ("This can safely wait.", "now"),
        ("There is no rush.", "now"),
        ("It isn\u2019t urgent.", "now"),
        ("Do it.", "whenever you like"),
        ("Do it.", "next month"),
        ("Postpone it.", "now"),
    ],
)
def test_an_urgent_thought_with_a_high_level_is_not_told_that_it_can_wait_either(advice: str, start: str) -> None:
    output = answered(make_urgent(urgency="immediate"), "High", start, advice)
    assert (output.priority_level, output.final_recommendation) == ("High", ADVICE)
    assert output.recommended_timeline.start == "today"


def test_a_start_after_the_day_on_which_it_is_due_is_replaced() -> None:
    soon = make_urgent("Send the form by 2026-12-01")
    assert answered(soon, "High", "on 2 December").recommended_timeline.start == "in the next days"
    assert answered(soon, "High", "on 30 November").recommended_timeline.start == "on 30 November"


@pytest.mark.parametrize("advice", ["It cannot wait: do it now.", "Call her today.", "You can't wait any longer."])
def test_a_fitting_answer_is_kept(advice: str) -> None:
    agent_input = make_urgent("Call Anna today", "immediate")
    output = answered(agent_input, "Critical", "today", advice)
    assert (output.final_recommendation, output.priority_level) == (advice, "Critical")


@pytest.mark.parametrize("urgency", ["immediate", "soon"])
@pytest.mark.parametrize("level", LEVELS)
def test_no_level_of_an_urgent_thought_comes_with_an_advice_to_wait(urgency: str, level: str) -> None:
    output = answered(make_urgent(urgency=urgency), level, "some day", "It can wait.")
    assert LEVELS.index(output.priority_level) <= LEVELS.index("Low" if urgency == "soon" else "Medium")
    assert "wait" not in output.final_recommendation
    assert output.recommended_timeline.start in ("today", "in the next days")
