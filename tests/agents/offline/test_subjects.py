"""Matching by meaning: measured on hand-made pairs, half of the unrelated ones share words but no subject."""

from datetime import date

import pytest

from agents.interface import EarlierThought
from agents.offline import analysis, similarity, subjects, value_impact
from agents.offline.similarity import similarities
from agents.offline.value_words import DESCRIPTIONS
from tests.agents.offline.readings import classified, outputs, pairs

THRESHOLDS = {
    "goal_pairs.txt": (subjects.GOAL_THRESHOLD, 0.94, 0.33),
    "constraint_pairs.txt": (subjects.CONSTRAINT_THRESHOLD, 0.85, 0.2),
    "earlier_pairs.txt": (subjects.EARLIER_THRESHOLD, 0.95, 0.7),
}
"""File -> threshold, and the lowest share of right matches and of found ones that was measured."""


def cosines(name: str) -> list[tuple[float, bool]]:
    found = []
    for candidate, note, label in pairs(name):
        values = similarities(note, [candidate])
        assert values is not None
        found.append((values[0], label != "unrelated"))
    return found


@pytest.mark.parametrize("name", THRESHOLDS)
def test_the_thresholds_keep_the_measured_precision_and_recall(name: str) -> None:
    threshold, precision, recall = THRESHOLDS[name]
    measured = cosines(name)
    matched = [is_related for value, is_related in measured if value >= threshold]
    assert len(measured) >= 60
    assert sum(matched) >= precision * len(matched)
    assert sum(matched) >= recall * sum(is_related for _, is_related in measured)


def test_a_direction_is_only_claimed_where_the_pairs_have_it() -> None:
    wrong = []
    for goal, note, label in pairs("goal_pairs.txt"):
        plans_something = label == "aligned"
        found = subjects.direction(note, goal, plans_something=plans_something)
        expected = {"aligned": "towards", "conflicting": "against"}.get(label, "unknown")
        if label != "unrelated" and found not in (expected, "unknown"):
            wrong.append((goal, note, label, found))
    assert wrong == []


def test_values_are_supported_by_meaning_with_the_measured_precision() -> None:
    right = wrong = 0
    for name, note, label in pairs("value_pairs.txt"):
        if name in value_impact.similar_values(note):
            right, wrong = right + (label == "related"), wrong + (label != "related")
    assert wrong == 0
    assert right >= 8
    assert set(DESCRIPTIONS) == {"economic", "relational", "legacy", "health", "growth"}


PROFILE = {"goals": ["Finish my thesis", "Learn Spanish"], "constraints": ["Bad back"]}


def test_a_note_that_acts_towards_a_goal_is_aligned_and_one_that_gives_it_up_conflicts() -> None:
    text = "finish the thesis chapter tomorrow"
    aligned = outputs(text, classified(text), profile=PROFILE)["analysis"]["goal_alignment"]
    assert [claim["quote"] for claim in aligned["aligned_goals"]] == ["Finish my thesis"]
    text = "giving up on the thesis"
    against = outputs(text, classified(text), profile=PROFILE)["analysis"]["goal_alignment"]
    assert (
        against["aligned_goals"], [claim["quote"] for claim in against["conflicting_goals"]],
    ) == ([], ["Finish my thesis"])  # fmt: skip


def test_a_note_without_a_direction_is_only_about_the_same_subject() -> None:
    text = "I have not opened the thesis file for nine days"
    found = outputs(text, classified(text, "problem"), profile=PROFILE)["analysis"]
    assert found["goal_alignment"]["aligned_goals"] == found["goal_alignment"]["conflicting_goals"] == []
    assert "same subject as \u201cFinish my thesis\u201d" in found["goal_alignment"]["reasoning"]
    assert "similar" in found["found_by"]["goal_alignment"]


def test_a_removed_goal_removes_its_alignment() -> None:
    text = "finish the thesis chapter tomorrow"
    found = outputs(text, classified(text), profile={"goals": ["Learn Spanish"]})["analysis"]["goal_alignment"]
    assert found["aligned_goals"] == []
    assert "thesis" not in str(found)


def test_constraints_and_earlier_thoughts_on_the_subject_are_quoted() -> None:
    text = "back is gone again, can hardly stand"
    earlier = [
        EarlierThought("first", "eggs, rice, onions", date(2026, 3, 2), similarity=0.8),
        EarlierThought("second", "my back is gone again, could not stand", date(2026, 3, 1), "High: Rest.", 0.95),
        EarlierThought("third", "my back is gone again, could not stand", date(2026, 2, 1), "Low: Rest.", 0.95),
    ]
    found = outputs(text, classified(text, "problem"), profile=PROFILE, earlier_thoughts=earlier)
    analysed = found["analysis"]
    assert analysed["pattern_connections"] == [
        {
            "statement": "Your thought of 1 March 2026 is close to this one in meaning."
            " Its result was \u201cHigh: Rest.\u201d",
            "source": "earlier_thought",
            "quote": earlier[1].text,
        }
    ]
    assert analysed["realistic_assessment"]["evidence"] == [{"source": "profile", "quote": "Bad back"}]
    assert found["action_plan"]["main_actions"][0]["obstacles"] == ["Bad back"]


def test_without_an_embedding_model_nothing_is_matched_and_the_analysis_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(similarity, "embedder", lambda: None)
    text = "finish the thesis chapter tomorrow"
    found = outputs(text, classified(text), profile=PROFILE)["analysis"]
    assert found["goal_alignment"]["reasoning"] == analysis.WITHOUT_MODEL
    assert found["goal_alignment"]["aligned_goals"] == []
