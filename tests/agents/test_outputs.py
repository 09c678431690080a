"""Outputs are validated: closed fields, bounded lengths, storable values, and computed fields."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from agents.catalogue import CATALOGUE
from agents.classification import Classification
from agents.errors import AgentError, InvalidOutput, PermanentError, TransientError
from agents.fields import replace_unstorable
from agents.interface import AgentInput
from agents.output import Output, validate_output
from agents.priority import Priority
from agents.priority_floor import LEVELS, priority_floor
from agents.scripted.samples import sample
from agents.value_impact import ValueImpact, weighted_total
from tests.agents.calls import WITHOUT_DEADLINE, make_input

CLAIM, EVIDENCE = "statement source quote", "source quote"
VALUES = ("economic", "relational", "legacy", "health", "growth")
FIELDS = {
    "classification": "type urgency entities emotional_tone implied_needs complexity not_assessed confidence"
    " resolved_dates",
    "classification.resolved_dates": "quote day",
    "classification.entities": "people dates places topics",
    "classification.implied_needs": CLAIM,
    "analysis": "goal_alignment underlying_needs pattern_connections realistic_assessment unspoken_factors"
    " opportunity_cost",
    "analysis.goal_alignment": "aligned_goals conflicting_goals reasoning",
    "analysis.realistic_assessment": "feasibility given_constraints time_required evidence",
    "analysis.realistic_assessment.evidence": EVIDENCE,
    **dict.fromkeys((f"analysis.goal_alignment.{name}_goals" for name in ("aligned", "conflicting")), CLAIM),
    **dict.fromkeys(
        (f"analysis.{name}" for name in ("underlying_needs", "pattern_connections", "unspoken_factors")), CLAIM
    ),
    "value_impact": "economic_value relational_value legacy_value health_value growth_value weighted_total"
    " overall_assessment",
    "value_impact.economic_value": "score reasoning confidence evidence timeframe",
    "value_impact.relational_value": "score reasoning confidence evidence affected_relationships",
    "value_impact.legacy_value": "score reasoning confidence evidence long_term_impact",
    "value_impact.health_value": "score reasoning confidence evidence physical_mental",
    "value_impact.growth_value": "score reasoning confidence evidence learning_areas",
    **{f"value_impact.{name}_value.evidence": EVIDENCE for name in VALUES},
    "action_plan": "quick_wins main_actions delegation_opportunities avoid success_metrics",
    "action_plan.quick_wins": "action duration timing outcome",
    "action_plan.main_actions": "action duration prerequisites obstacles mitigation timing",
    "action_plan.delegation_opportunities": "task who why",
    "priority": "priority_level urgency_reasoning strategic_fit momentum_impact recommended_timeline dependencies"
    " risk_assessment confidence final_recommendation urgency_evidence",
    "priority.urgency_evidence": EVIDENCE,
    "priority.recommended_timeline": "start duration checkpoints",
}


def validated(model: type[Output], answer: Any, agent_input: AgentInput) -> Output:
    return validate_output(model, answer, agent_input).output


def models() -> Iterator[tuple[str, type[BaseModel]]]:
    for agent in CATALOGUE.agents:
        yield from nested_models(agent.name, agent.output)


def nested_models(path: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the model and the models inside it, each with its path. A list of a model has the path of its field."""
    yield path, model
    for name, field in model.model_fields.items():
        types = [type_ for type_ in (field.annotation, *getattr(field.annotation, "__args__", ())) if type_]
        for type_ in types:
            if isinstance(type_, type) and issubclass(type_, BaseModel):
                yield from nested_models(f"{path}.{name}", type_)


def make_answer(agent_name: str, **changes: object) -> dict[str, Any]:
    return {**sample(CATALOGUE.named(agent_name).output, "any text"), **changes}


def test_every_output_has_exactly_the_documented_fields() -> None:
    assert {path: model.model_fields.keys() - {"found_by"} for path, model in models()} == {
        path: set(fields.split()) for path, fields in FIELDS.items()
    }
    assert all("found_by" in agent.output.model_fields for agent in CATALOGUE.agents)


def test_the_enums_have_exactly_the_documented_values() -> None:
    schema = Classification.model_json_schema()["properties"]
    assert schema["type"]["enum"] == ["task", "problem", "idea", "question", "observation", "emotion"]
    assert schema["urgency"]["enum"] == ["immediate", "soon", "eventually", "never"]
    assert schema["complexity"]["enum"] == ["simple", "moderate", "complex"]
    assert set(schema["emotional_tone"]["enum"]) == set(
        "excited anxious frustrated neutral curious overwhelmed hopeful".split()  # noqa: SIM905 (as documented)
    )
    assert LEVELS == ("Critical", "High", "Medium", "Low", "Defer")


@pytest.mark.parametrize("agent_name", CATALOGUE.names)
def test_an_answer_that_reports_an_error_is_rejected(agent_name: str) -> None:
    for answer in ({"error": "rate limited"}, make_answer(agent_name, error="rate limited"), {}):
        with pytest.raises(InvalidOutput, match="is not valid at"):
            validated(CATALOGUE.named(agent_name).output, answer, make_input())


@pytest.mark.parametrize(
    ("agent_name", "changes"),
    [
        ("classification", {"type": "wish"}),
        ("classification", {"urgency": None}),
        ("classification", {"implied_needs": ["x"] * 11}),
        ("classification", {"implied_needs": ["x" * 201]}),
        ("priority", {"confidence": 1.1}),
        ("priority", {"confidence": float("nan")}),
        ("priority", {"risk_assessment": "x" * 601}),
        ("priority", {"risk_assessment": " "}),
        ("action_plan", {"quick_wins": [{"action": "Begin."}]}),
    ],
)
def test_unknown_values_long_texts_and_missing_fields_are_rejected(agent_name: str, changes: dict[str, object]) -> None:
    with pytest.raises(InvalidOutput, match=next(iter(changes))):
        validated(CATALOGUE.named(agent_name).output, make_answer(agent_name, **changes), make_input())


@pytest.mark.parametrize("score", [-1, 11, float("nan"), float("inf"), "high"])
def test_a_score_outside_0_to_10_is_rejected(score: object) -> None:
    growth = {**sample(CATALOGUE.named("value_impact").output, "")["growth_value"], "score": score}
    with pytest.raises(InvalidOutput, match=r"growth_value\.score"):
        validated(ValueImpact, make_answer("value_impact", growth_value=growth), make_input())


def test_a_fractional_score_is_rounded() -> None:
    growth = {**sample(CATALOGUE.named("value_impact").output, "")["growth_value"], "score": 7.4}
    assert (
        validated(ValueImpact, make_answer("value_impact", growth_value=growth), make_input()).growth_value.score == 7
    )


def test_a_value_without_a_score_must_have_no_confidence() -> None:
    health = {**sample(CATALOGUE.named("value_impact").output, "")["health_value"], "score": None, "confidence": 0.9}
    with pytest.raises(InvalidOutput, match="confidence 0"):
        validated(ValueImpact, make_answer("value_impact", health_value=health), make_input())


@WITHOUT_DEADLINE
@given(st.text(st.characters(codec=None), min_size=1, max_size=150))
def test_every_accepted_text_can_be_stored_as_json(text: str) -> None:
    try:
        output = validated(Priority, make_answer("priority", risk_assessment=text), make_input())
    except InvalidOutput:
        assert not replace_unstorable(text).strip()
        return
    stored = json.dumps(output.model_dump(mode="json"), allow_nan=False)
    assert "\\u0000" not in stored
    json.loads(stored)["risk_assessment"].encode("utf-8")


def test_the_error_names_the_field_and_never_the_value() -> None:
    with pytest.raises(InvalidOutput) as raised:
        validated(Priority, make_answer("priority", priority_level="a secret"), make_input())
    assert "priority_level" in str(raised.value)
    assert "a secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_weighted_total_of_the_answer_is_overwritten() -> None:
    values = {
        f"{name}_value": {**sample(CATALOGUE.named("value_impact").output, "")[f"{name}_value"], "score": 4}
        for name in ("growth", "health")
    }
    others = {
        f"{name}_value": {
            **sample(CATALOGUE.named("value_impact").output, "")[f"{name}_value"],
            "score": None,
            "confidence": 0,
        }
        for name in ("economic", "relational", "legacy")
    }
    output = validated(ValueImpact, make_answer("value_impact", **values, **others, weighted_total=9.9), make_input())
    assert output.weighted_total == 4


def test_the_weighted_total_follows_the_ranking_and_excludes_values_that_were_not_assessed() -> None:
    assert weighted_total({"growth": 10, "health": 0, "legacy": None}, []) == 5
    assert weighted_total({"growth": 10, "health": 0, "legacy": None}, ["Personal growth", "Health"]) == 6
    assert weighted_total({"growth": 9, "economic": 3}, ["growth"]) == 7
    assert weighted_total({"growth": None}, ["growth"]) is None


def test_the_weighted_total_uses_the_ranking_of_the_profile() -> None:
    scores = {"growth": 10, "health": 0, "economic": 0, "relational": 0, "legacy": 0}
    parts = {
        f"{name}_value": {**sample(CATALOGUE.named("value_impact").output, "")[f"{name}_value"], "score": score}
        for name, score in scores.items()
    }
    agent_input = make_input(profile={"values_ranking": ["growth"]})
    assert validated(ValueImpact, make_answer("value_impact", **parts), agent_input).weighted_total == 3.3
    assert validated(ValueImpact, make_answer("value_impact", **parts), make_input()).weighted_total == 2


def test_the_priority_level_is_raised_to_its_floor() -> None:
    urgent = make_input(previous={"classification": make_answer("classification", urgency="immediate")})
    assert validated(Priority, make_answer("priority", priority_level="Defer"), urgent).priority_level == "Medium"
    assert validated(Priority, make_answer("priority", priority_level="Critical"), urgent).priority_level == "Critical"


def test_the_floor_is_higher_for_an_important_thought() -> None:
    parts = {
        f"{name}_value": {**sample(CATALOGUE.named("value_impact").output, "")[f"{name}_value"], "score": 9}
        for name in VALUES
    }
    impact = validated(ValueImpact, make_answer("value_impact", **parts), make_input()).model_dump(mode="json")
    urgent = make_answer("classification", urgency="immediate")
    agent_input = make_input(previous={"classification": urgent, "value_impact": impact})
    assert validated(Priority, make_answer("priority", priority_level="Defer"), agent_input).priority_level == "High"
    assert [priority_floor(urgency, False) for urgency in ("soon", "eventually", "never")] == ["Low", "Defer", "Defer"]


def test_earlier_outputs_of_an_incompatible_version_are_ignored() -> None:
    agent_input = make_input(previous={"classification": {"kind": "task"}, "value_impact": {"error": "x"}})
    assert validated(Priority, make_answer("priority", priority_level="Defer"), agent_input).priority_level == "Defer"


def test_an_output_is_immutable() -> None:
    output = validated(Priority, make_answer("priority"), make_input())
    with pytest.raises(ValidationError):
        setattr(output, "confidence", 1.0)  # noqa: B010 (mypy knows that it is read-only)


def test_an_invalid_output_is_a_transient_error() -> None:
    assert isinstance(InvalidOutput("x"), TransientError)
    assert TransientError("x", retry_after=3).retry_after == 3
    assert all(issubclass(error, AgentError) for error in (TransientError, PermanentError))
