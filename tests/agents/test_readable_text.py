"""What a model has written so far becomes short plain text, whatever it wrote."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic_core import from_json

from agents.action_plan import ActionPlan
from agents.agent import Agent
from agents.analysis import Analysis
from agents.catalogue import CATALOGUE
from agents.classification import Classification
from agents.fields import Phrase
from agents.readable_text import MAX_LENGTH, readable_text
from agents.scripted.samples import sample
from agents.value_impact import ValueImpact
from tests.agents.calls import WITHOUT_DEADLINE

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.sampled_from([*Analysis.model_fields, "x"]), children),
)


def test_sentences_and_list_items_are_lines_in_the_order_of_writing() -> None:
    partial = {
        "unspoken_factors": [
            {"statement": "Fear of failure", "source": "thought", "quote": "fail"},
            {"statement": "A deadl"},
        ],
        "goal_alignment": {"reasoning": "It fits\nyour  goals.", "aligned_goals": [{"statement": "Learn more"}]},
    }
    assert readable_text(Analysis, partial) == "Fear of failure\nA deadl\nIt fits your goals.\nLearn more"


def test_the_fields_of_a_list_of_groups_are_shown() -> None:
    partial = {"quick_wins": [{"action": "Call Anna", "duration": "5 min"}, {"action": "Wri"}], "avoid": ["Haste"]}
    assert readable_text(ActionPlan, partial) == "Call Anna\n5 min\nWri\nHaste"


def test_enums_scores_and_unknown_fields_are_left_out() -> None:
    assert (
        readable_text(Classification, {"type": "task", "urgency": "soo", "implied_needs": [{"statement": "Rest"}]})
        == "Rest"
    )
    value = {"score": 7, "confidence": 0.5, "reasoning": "More income.", "physical_mental": "both", "x": "injected"}
    assert readable_text(ValueImpact, {"health_value": value, "answer": "nonsense"}) == "More income."


def test_a_field_that_was_not_assessed_is_left_out() -> None:
    assert readable_text(Analysis, {"opportunity_cost": "Not assessed."}) == ""


def test_an_optional_text_is_shown() -> None:
    class Note(BaseModel):
        first: Phrase | None
        second: str | None = None

    assert readable_text(Note, {"first": "One", "second": "Two"}) == "One\nTwo"
    assert readable_text(Note, {"first": None}) == ""


def test_a_long_text_is_cut_at_its_start_because_it_grows_at_its_end() -> None:
    text = "".join(f"{number:04d}" for number in range(MAX_LENGTH))
    shown = readable_text(Analysis, {"opportunity_cost": text})
    assert shown == "…" + text[-(MAX_LENGTH - 1) :]
    assert len(shown) == MAX_LENGTH
    assert readable_text(Analysis, {"opportunity_cost": text[:MAX_LENGTH]}) == text[:MAX_LENGTH]


def test_characters_that_no_json_can_carry_are_replaced() -> None:
    assert readable_text(Analysis, {"opportunity_cost": "a\x00b\ud800"}) == "a\ufffdb\ufffd"


@pytest.mark.parametrize("agent", CATALOGUE.agents, ids=lambda agent: agent.name)
def test_every_beginning_of_an_answer_is_readable_and_the_text_only_grows(agent: Agent) -> None:
    model = agent.output
    encoded = model.model_validate(sample(model, "a text")).model_dump_json()
    texts = [
        readable_text(model, from_json(encoded[:end], allow_partial="trailing-strings"))
        for end in range(1, len(encoded) + 1)
    ]
    assert texts[0] == ""
    assert texts[-1]
    assert all(len(text) <= MAX_LENGTH for text in texts)
    short = [text for text in texts if len(text) < MAX_LENGTH]
    assert all(later.startswith(earlier) for earlier, later in pairwise(short))


@WITHOUT_DEADLINE
@given(st.dictionaries(st.sampled_from([*Analysis.model_fields, "x"]), JSON))
def test_any_partial_output_becomes_a_bounded_text(partial: dict[str, object]) -> None:
    text = readable_text(Analysis, partial)
    assert len(text) <= MAX_LENGTH
    text.encode()
