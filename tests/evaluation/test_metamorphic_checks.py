"""Every relation finds the provider that violates it, and passes one that keeps it."""

from typing import Any

import pytest

from agents.evidence import fold
from agents.interface import AgentInput
from evaluation.metamorphic.checks import (
    OTHER_USERS,
    REMOVED_GOAL,
    check_other_users,
    check_relations,
    check_removed_goal,
)
from evaluation.metamorphic.relations import RELATIONS, Answer, is_not_lower
from evaluation.runner import Runner
from tests.evaluation.notes_and_providers import RuleProvider, classified, note, outcome

NOTES = [
    note("Call Leo before Friday.", people=("Leo",)),
    note("A cookbook sorted by how tired you are", type="idea"),
]
NEARER, LOWER, PUNCTUATION, NAMES, NEUTRAL, DECIDED = (relation.name for relation in RELATIONS)
DECISION = "I decided against it."


def steady(call: AgentInput) -> dict[str, Any]:
    """Answer the same for every rewriting, except that what was decided against is never urgent."""
    return {"type": "task", "urgency": "never" if DECISION in call.text else "soon"}


def violated(classification: Any, priority: Any = classified(priority_level="Low")) -> dict[str, int]:  # noqa: B008
    provider = RuleProvider(classification=classification, priority=priority)
    runner = Runner(provider, 5)
    found = check_relations(runner, [outcome(written, provider) for written in NOTES])
    return {result.relation: result.violated.cases for result in found if result.violated.cases}


def test_a_provider_that_keeps_all_relations_has_no_violations() -> None:
    assert violated(steady) == {}


def test_every_relation_applies_to_one_of_the_notes() -> None:
    provider = RuleProvider(classification=steady, analysis=aligned_with_every_goal)
    found = check_relations(Runner(provider, 5), [outcome(written, provider) for written in NOTES])
    assert [result.relation for result in found] == [
        *(relation.name for relation in RELATIONS),
        REMOVED_GOAL,
        OTHER_USERS,
    ]
    assert all(result.violated.total for result in found)


@pytest.mark.parametrize(
    ("relation", "changes_the_type"),
    [
        (LOWER, lambda text: text == text.lower()),
        (PUNCTUATION, lambda text: text.endswith("Friday")),
        (NAMES, lambda text: "Robin" in text),
        (NEUTRAL, lambda text: "sky" in text),
    ],
)
def test_a_type_that_changes_with_the_rewriting_is_a_violation(relation: str, changes_the_type: Any) -> None:
    found = violated(lambda call: steady(call) | ({"type": "idea"} if changes_the_type(call.text) else {}))
    assert set(found) == {relation}


def test_a_decision_against_that_stays_urgent_is_a_violation() -> None:
    assert violated(classified(type="task", urgency="soon")) == {DECIDED: 2}


def test_a_lower_urgency_for_a_nearer_deadline_is_a_violation() -> None:
    found = violated(lambda call: steady(call) | ({"urgency": "eventually"} if "Tuesday" in call.text else {}))
    assert found == {NEARER: 1}


def test_a_lower_priority_for_a_nearer_deadline_is_a_violation() -> None:
    assert violated(steady, lambda call: {"priority_level": "High" if "Friday" in call.text else "Medium"}) == {
        NEARER: 1
    }


@pytest.mark.parametrize(
    ("before", "after", "holds"),
    [
        (("soon", "Low"), ("soon", "Low"), True),
        (("soon", "Low"), ("immediate", "Critical"), True),
        (("soon", "Low"), ("immediate", "Defer"), False),
        (("soon", "Low"), ("eventually", "High"), False),
        (("never", None), ("soon", None), True),
    ],
)
def test_neither_urgency_nor_priority_may_fall(before: Any, after: Any, holds: bool) -> None:
    assert is_not_lower(Answer("task", *before), Answer("task", *after)) is holds


def goal_claims(goals: list[str]) -> dict[str, Any]:
    claims = [{"statement": "Serves it.", "source": "profile", "quote": goal} for goal in goals]
    return {"goal_alignment": {"aligned_goals": claims, "conflicting_goals": [], "reasoning": "They fit."}}


def aligned_with_every_goal(call: AgentInput) -> dict[str, Any]:
    return goal_claims(list(call.profile.get("goals", [])))


def test_an_alignment_that_leaves_with_its_goal_is_no_violation() -> None:
    provider = RuleProvider(analysis=aligned_with_every_goal)
    assert check_removed_goal(Runner(provider, 5), outcome(NOTES[0], provider)) == [None]


def test_a_removed_goal_that_is_still_aligned_is_a_violation() -> None:
    """The provider remembers a goal, and finds its words in another one that contains them."""
    remembered: set[str] = set()

    def remembers(call: AgentInput) -> dict[str, Any]:
        goals = list(call.profile.get("goals", []))
        remembered.update(goals)
        quotable = [goal for goal in remembered if any(fold(goal) in fold(other) for other in goals)]
        return goal_claims(quotable)

    written = note("play the cello", type="idea")
    provider = RuleProvider(analysis=remembers)
    assert check_removed_goal(Runner(provider, 5), outcome(written, provider)) == ["still aligned: play the cello"]


def test_a_note_that_is_not_aligned_at_first_is_not_counted() -> None:
    provider = RuleProvider(analysis=lambda _: goal_claims([]))
    assert check_removed_goal(Runner(provider, 5), outcome(NOTES[0], provider)) == []


def test_a_result_that_another_users_note_changed_is_a_violation() -> None:
    seen: list[str] = []

    def leaks(call: AgentInput) -> dict[str, Any]:
        seen.append(call.text)
        return {"urgency_reasoning": f"Seen before: {seen[0]} and {len(seen)} in all.", "urgency_evidence": []}

    provider = RuleProvider(priority=leaks)
    found = check_other_users(Runner(provider, 5), outcome(NOTES[0], provider))
    assert found == "priority changed: Call Leo before Friday."


def test_a_model_that_words_the_same_answer_differently_is_no_violation() -> None:
    count = iter(range(100))
    provider = RuleProvider(
        model="openai:model", priority=lambda _: {"priority_level": "Low", "strategic_fit": f"Wording {next(count)}."}
    )
    assert check_other_users(Runner(provider, 5), outcome(NOTES[0], provider)) is None


def test_a_model_that_answers_another_level_is_a_violation() -> None:
    levels = iter(["High", "Critical"])
    provider = RuleProvider(model="openai:model", priority=lambda _: {"priority_level": next(levels)})
    found = check_other_users(Runner(provider, 5), outcome(NOTES[0], provider))
    assert found is not None
    assert "High \u2192" in found
