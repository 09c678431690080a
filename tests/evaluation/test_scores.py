"""The scores of a set follow from the answers: fields, priorities, claims, time and cost."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.priority_floor import LEVELS, URGENCIES, PriorityLevel
from evaluation.fields import accuracy_by, score_field
from evaluation.outcomes import FieldAnswer, field_answer, quotes
from evaluation.priorities import score_priorities
from evaluation.scores import score
from notes.reader import NoteUrgency
from tests.evaluation.notes_and_providers import RuleProvider, classified, note, outcome, voice

PAIRS = st.lists(st.tuples(st.sampled_from(URGENCIES), st.sampled_from(LEVELS)), max_size=30)
ANSWERS = st.builds(
    FieldAnswer, st.sampled_from("ab"), st.sampled_from("ab"), st.booleans(), st.none() | st.floats(0, 1)
)


@given(st.lists(ANSWERS, max_size=30))
def test_the_scores_of_a_field_count_the_assessed_answers_apart(answers: list[FieldAnswer]) -> None:
    scored = score_field(answers)
    assessed = [answer for answer in answers if answer.is_assessed]
    assert scored.coverage == (len(assessed), len(answers))
    assert scored.assessed_accuracy == (sum(answer.label == answer.answer for answer in assessed), len(assessed))
    assert scored.accuracy.cases == sum(scored.confusion.get((label, label), 0) for label in "ab")
    assert sum(group.answers for group in scored.reliability) == sum(a.confidence is not None for a in answers)


@given(st.lists(st.tuples(st.sampled_from("xyz"), ANSWERS), max_size=30))
def test_the_groups_together_have_all_answers(answers: list[tuple[str, FieldAnswer]]) -> None:
    shares = accuracy_by(answers).values()
    assert sum(share.total for share in shares) == len(answers)
    assert sum(share.cases for share in shares) == sum(answer.label == answer.answer for _, answer in answers)


@given(PAIRS)
def test_falsely_calm_and_falsely_alarmed_count_only_the_labels_that_they_name(
    pairs: list[tuple[NoteUrgency, PriorityLevel]],
) -> None:
    scored = score_priorities(pairs)
    assert scored.falsely_calm.total == sum(urgency == "immediate" for urgency, _ in pairs)
    assert scored.falsely_calm.cases == sum(pair in {("immediate", "Low"), ("immediate", "Defer")} for pair in pairs)
    assert scored.falsely_alarmed.total == sum(urgency == "never" for urgency, _ in pairs)
    assert scored.falsely_alarmed.cases == sum(pair in {("never", "High"), ("never", "Critical")} for pair in pairs)


def test_levels_in_the_order_of_the_urgencies_have_a_positive_tau() -> None:
    ordered: list[tuple[NoteUrgency, PriorityLevel]] = [
        ("immediate", "Critical"), ("soon", "High"), ("eventually", "Medium"), ("never", "Defer"),
    ]  # fmt: skip
    assert score_priorities(ordered).tau == pytest.approx(1)
    reverse = [(urgency, level) for (urgency, _), (_, level) in zip(ordered, reversed(ordered), strict=True)]
    assert score_priorities(reverse).tau == pytest.approx(-1)


def test_a_field_that_is_not_assessed_holds_a_guess() -> None:
    provider = RuleProvider(classification=classified(emotional_tone="anxious", not_assessed=["emotional_tone"]))
    answer = field_answer(outcome(note("Call Leo", tone="neutral"), provider), "tone")
    assert answer == FieldAnswer("neutral", "anxious", is_assessed=False, confidence=None)


def test_the_confidence_of_the_classification_is_read_by_the_name_of_its_field() -> None:
    answered = outcome(note("Call Leo"), RuleProvider())
    classification = answered.classification.model_copy()
    object.__setattr__(classification, "confidence", {"emotional_tone": 0.75})
    object.__setattr__(answered.results["classification"], "output", classification)
    assert field_answer(answered, "tone").confidence == 0.75
    assert field_answer(answered, "type").confidence is None


def test_quotes_are_found_at_every_depth() -> None:
    output = {"a": {"b": [{"source": "thought", "quote": "x", "statement": "s"}]}, "source": "profile", "quote": "y"}
    assert sorted(quotes(output)) == [("profile", "y"), ("thought", "x")]


def entities(**lists: list[str]) -> dict[str, list[str]]:
    return {"people": [], "dates": [], "places": [], "topics": []} | lists


def test_a_set_is_scored_over_all_of_its_notes() -> None:
    provider = RuleProvider(
        classification=lambda call: {
            "type": "task" if "Leo" in call.text else "idea", "urgency": "soon", "emotional_tone": "neutral",
            "entities": entities(people=["Leo"], dates=["Friday"]),
        },
        priority=classified(priority_level="Low"),
    )  # fmt: skip
    first = note("Call Leo on Friday", people=("Leo",), urgency="soon", dates=[("Friday", date(2026, 3, 6))])
    second = note("Smoke in the hall", type="problem", urgency="immediate", language="de")
    scores = score(
        [outcome(first, provider, voice(first, name="a")), outcome(second, provider, voice(second, name="b"))]
    )
    assert scores.notes == 2
    assert scores.fields["type"].accuracy == (1, 2)
    assert scores.by_voice["type"] == {"a": (1, 1), "b": (0, 1)}
    assert scores.by_language["urgency"] == {"en": (1, 1), "de": (0, 1)}
    assert scores.entities["people"].recall == (1, 1)
    assert scores.entities["dates"].precision == (1, 1)
    assert (scores.days.right, scores.days.wrong, scores.days.invented) == (1, 0, 0)
    assert scores.priority.falsely_calm == (1, 1)
    assert scores.dropped_claims > 0, "Leo and Friday are not in the second note"
    assert scores.valid_quotes.cases == scores.valid_quotes.total > 0
    assert scores.spending.cost_usd == Decimal("0.010")
    assert scores.spending.longest_seconds >= scores.spending.median_seconds > 0


def test_a_quote_that_is_not_in_its_source_is_not_valid() -> None:
    answered = outcome(note("Call Leo"), RuleProvider())
    before = score([answered]).valid_quotes
    classification = answered.classification
    claim = classification.implied_needs[0].model_copy(update={"quote": "Call Maya"})
    changed = classification.model_copy(update={"implied_needs": [claim]})
    object.__setattr__(answered.results["classification"], "output", changed)
    assert score([answered]).valid_quotes == (before.cases - 1, before.total)


def test_an_unknown_cost_of_one_call_makes_the_cost_of_the_set_unknown() -> None:
    answered = outcome(note("Call Leo"), RuleProvider())
    object.__setattr__(answered.results["priority"], "cost_usd", None)
    assert score([answered]).spending.cost_usd is None
