"""Claims carry quotes: what is not in its source is dropped together with its claim, and counted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.analysis import Analysis
from agents.catalogue import CATALOGUE
from agents.classification import Classification
from agents.errors import InvalidOutput
from agents.evidence import MAX_QUOTE_LENGTH, Sources, drop_unsupported, fold
from agents.interface import AgentInput
from agents.output import previous_output, validate_output
from agents.priority import Priority
from agents.scripted.samples import sample
from agents.value_impact import ValueImpact
from tests.agents.calls import WITHOUT_DEADLINE, make_input

THOUGHT = "Should I learn Rust this winter?\nIt\u2019s \u201chard\u201d \u2013 they say, in Z\u00fcrich."
INPUT = make_input(
    THOUGHT,
    profile={"goals": ["Sleep more"], "recent_patterns": {"energy_peaks": ["mornings"]}, "shoe_size": "forty-two"},
    earlier_thoughts=["Feed the cat", "Learn to swim"],
)

WORDS = st.sampled_from(["learn", "Rust", "\u00dcber", "stra\u00dfe", "\u5b66\u3076", "\U0001f600", "don\u2019t", "a"])
SPACES = st.sampled_from([" ", "  ", "\n", "\u00a0", "\t", "\u3000"])
TEXTS = st.lists(st.tuples(WORDS, SPACES).map("".join), min_size=3, max_size=20).map("".join)
"""Texts without combining characters, which belong to the character before them, wherever a quote begins."""


def claim(quote: str, source: str = "thought") -> dict[str, str]:
    return {"statement": "A claim.", "source": source, "quote": quote}


def evidence(quote: str, source: str = "thought") -> dict[str, str]:
    return {"source": source, "quote": quote}


def make_answer(agent_name: str, **changes: object) -> dict[str, Any]:
    return {**sample(CATALOGUE.named(agent_name).output, THOUGHT), **changes}


@pytest.mark.parametrize(
    "quote",
    [
        "learn Rust",
        "LEARN   rust\tthis",
        "winter? It's",
        'It\'s "hard" - they',
        "Zu\u0308rich",
        "\uff32\uff55\uff53\uff54",
        "Ru\u200bst",
        THOUGHT,
    ],
)
def test_a_quote_is_found_whatever_its_case_white_space_and_typography(quote: str) -> None:
    assert Sources.of(INPUT).support("thought", quote)


@pytest.mark.parametrize(
    "quote",
    ["learn Go", "Rust this summer", "", " ", "?", "...", "\u200b", "e", "is", "learn Rust forever", "Zurich"],
)
def test_a_quote_that_is_not_in_its_source_or_says_nothing_is_no_evidence(quote: str) -> None:
    assert not Sources.of(INPUT).support("thought", quote)


def test_a_short_quote_is_evidence_where_it_is_a_whole_text_or_not_latin() -> None:
    assert Sources.of(make_input("Go")).support("thought", "go")
    assert Sources.of(make_input("\u79c1\u306f\u75b2\u308c\u305f")).support("thought", "\u79c1")
    assert Sources.of(make_input("\U0001f600\U0001f525")).support("thought", "\U0001f525")


def test_a_quote_is_found_only_in_the_source_that_it_names() -> None:
    sources = Sources.of(INPUT)
    assert sources.support("profile", "sleep more")
    assert sources.support("profile", "mornings")
    assert sources.support("earlier_thought", "feed the cat")
    assert not sources.support("thought", "sleep more")
    assert not sources.support("profile", "feed the cat")
    assert not sources.support("earlier_thought", "cat Learn"), "a quote is from one text, never across two"
    assert not sources.support("profile", "forty-two"), "no agent reads this field of the profile"


@WITHOUT_DEADLINE
@given(TEXTS, st.data())
def test_every_part_of_a_text_is_a_quote_from_it(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    quote = text[start : data.draw(st.integers(start + 1, len(text)))]
    sources = Sources.of(make_input(text))
    assert sources.contain("thought", quote) == any(letter.isalnum() or letter == "\U0001f600" for letter in quote)
    assert not sources.contain("thought", f"{quote} absent"), "a longer text is no quote"


@WITHOUT_DEADLINE
@given(st.text(st.characters(codec=None), max_size=100), st.text(st.characters(codec=None), max_size=30))
def test_what_is_supported_is_always_a_substring_of_its_folded_source(text: str, quote: str) -> None:
    sources = Sources.of(make_input(text))
    assert sources.contain("thought", quote) <= (fold(quote) in fold(text))
    assert sources.support("thought", quote) <= sources.contain("thought", quote)
    assert fold(text) == fold(f"  {text}\u200b\n")


def test_a_false_quote_is_dropped_with_its_claim_and_counted() -> None:
    needs = [claim("learn Rust"), claim("my mother"), claim("Sleep more", "profile"), claim("Sleep more")]
    output, dropped = validate_output(Classification, make_answer("classification", implied_needs=needs), INPUT)
    assert [need.quote for need in output.implied_needs] == ["learn Rust", "Sleep more"]
    assert dropped == 2


def test_an_entity_that_the_thought_does_not_name_is_dropped_and_counted() -> None:
    entities = {"people": ["Anna", "they"], "dates": ["this winter"], "places": ["zu\u0308rich", "Paris"], "topics": []}
    output, dropped = validate_output(Classification, make_answer("classification", entities=entities), INPUT)
    assert output.entities.model_dump() == {**entities, "people": ["they"], "places": ["zu\u0308rich"]}
    assert dropped == 2


def test_claims_in_parts_and_lists_of_parts_are_checked() -> None:
    alignment = {"aligned_goals": [claim("Sleep more", "profile")], "conflicting_goals": [claim("Be rich", "profile")],
                 "reasoning": "It helps."}  # fmt: skip
    connections = [claim("feed the CAT", "earlier_thought"), claim("Feed the dog", "earlier_thought")]
    answer = make_answer("analysis", goal_alignment=alignment, pattern_connections=connections)
    output, dropped = validate_output(Analysis, answer, INPUT)
    assert [goal.quote for goal in output.goal_alignment.aligned_goals] == ["Sleep more"]
    assert output.goal_alignment.conflicting_goals == []
    assert output.goal_alignment.reasoning == "It helps."
    assert [connection.quote for connection in output.pattern_connections] == ["feed the CAT"]
    assert dropped == 2


def test_a_reasoning_whose_claims_are_all_dropped_is_not_assessed() -> None:
    alignment = {"aligned_goals": [claim("Be rich", "profile")], "conflicting_goals": [], "reasoning": "You get rich."}
    output, dropped = validate_output(Analysis, make_answer("analysis", goal_alignment=alignment), INPUT)
    assert (output.goal_alignment.reasoning, dropped) == ("Not assessed.", 1)


def test_a_score_whose_evidence_is_all_false_is_not_assessed_and_does_not_count() -> None:
    answer = make_answer("value_impact")
    for name, quotes in (("economic", ["a lottery"]), ("growth", ["learn", "a degree"]), ("health", [])):
        answer[f"{name}_value"] = {**answer[f"{name}_value"], "score": 8, "confidence": 0.9,
                                   "evidence": [evidence(quote) for quote in quotes]}  # fmt: skip
    output, dropped = validate_output(ValueImpact, answer, INPUT)
    economic = output.economic_value
    assert (economic.score, economic.confidence, economic.reasoning) == (None, 0, "Not assessed.")
    assert (economic.timeframe, economic.evidence) == ("Not assessed.", [])
    assert (output.growth_value.score, [item.quote for item in output.growth_value.evidence]) == (8, ["learn"])
    assert output.health_value.score == 8, "evidence is optional"
    assert dropped == 2
    ValueImpact.model_validate(output.model_dump(mode="json"))


@pytest.mark.parametrize("value", ["economic", "relational", "legacy", "health", "growth"])
def test_every_value_that_loses_its_evidence_is_still_a_valid_output(value: str) -> None:
    answer = make_answer("value_impact")
    answer[f"{value}_value"] = {**answer[f"{value}_value"], "score": 8, "evidence": [evidence("a lottery")]}
    output, dropped = validate_output(ValueImpact, answer, INPUT)
    assert (output.values[value].score, dropped) == (None, 1)
    assert ValueImpact.model_validate(output.model_dump(mode="json")) == output


def test_an_urgency_without_true_evidence_is_not_assessed() -> None:
    answer = make_answer("priority", urgency_evidence=[evidence("by Friday")])
    output, dropped = validate_output(Priority, answer, INPUT)
    assert (output.urgency_reasoning, output.urgency_evidence, dropped) == ("Not assessed.", [], 1)


def test_an_empty_quote_drops_its_claim_and_a_long_one_is_cut_but_neither_fails_the_call() -> None:
    text = "word " * 200
    answer = {
        **make_answer("classification"),
        "entities": {name: [] for name in ("people", "dates", "places", "topics")},
    }
    answer["implied_needs"] = [claim(""), claim(text)]
    output, dropped = validate_output(Classification, answer, make_input(text))
    assert ([len(need.quote) for need in output.implied_needs], dropped) == ([MAX_QUOTE_LENGTH - 1], 1)


@pytest.mark.parametrize("item", ["A text", {"statement": "A claim."}, {**claim("learn"), "source": "hearsay"}])
def test_a_claim_without_quote_or_with_an_unknown_source_is_an_invalid_answer(item: object) -> None:
    with pytest.raises(InvalidOutput, match="implied_needs"):
        validate_output(Classification, make_answer("classification", implied_needs=[item]), INPUT)


@pytest.mark.parametrize("agent", CATALOGUE.agents, ids=lambda agent: agent.name)
@pytest.mark.parametrize("text", [THOUGHT, "Go", "\U0001f600", "[[delay:analysis:0]] x", " \u79c1 "])
def test_a_sample_of_the_scripted_provider_loses_no_claim(agent: Any, text: str) -> None:
    assert validate_output(agent.output, sample(agent.output, text), make_input(text)).dropped_claims == 0


@WITHOUT_DEADLINE
@given(st.text(st.characters(codec=None), max_size=40), st.text(st.characters(codec=None), max_size=40))
def test_what_is_left_of_any_answer_is_supported_and_is_not_dropped_again(text: str, quote: str) -> None:
    agent_input = make_input(text, profile={"goals": [quote]})
    needs = [claim(quote), claim(text), claim(quote, "profile")]
    entities = {
        name: [item for item in (quote, text) if item.strip()] for name in ("people", "dates", "places", "topics")
    }
    answer = make_answer("classification", implied_needs=needs, entities=entities)
    output, dropped = validate_output(Classification, answer, agent_input)
    kept = len(output.implied_needs) + sum(map(len, output.entities.model_dump().values()))
    assert kept + dropped == len(needs) + sum(map(len, entities.values()))
    assert drop_unsupported(output, Sources.of(agent_input)) == (output, 0)


def stored(agent_name: str, output: dict[str, Any]) -> AgentInput:
    return make_input(previous={agent_name: output})


def test_a_stored_output_of_the_version_without_evidence_is_read_without_its_claims() -> None:
    classification = {
        "type": "task", "urgency": "soon", "complexity": "simple", "emotional_tone": "neutral",
        "implied_needs": ["A moment to do it"], "entities": {"people": [], "dates": [], "places": [], "topics": []},
    }  # fmt: skip
    read = previous_output(Classification, "classification", stored("classification", classification))
    assert read is not None
    assert (read.urgency, read.implied_needs) == ("soon", [])
    analysis = {
        "goal_alignment": {"aligned_goals": ["Sleep more"], "conflicting_goals": [], "reasoning": "It helps."},
        "underlying_needs": [], "pattern_connections": ["Earlier: x"], "unspoken_factors": [], "opportunity_cost": "x",
        "realistic_assessment": {"feasibility": "x", "given_constraints": "x", "time_required": "x"},
    }  # fmt: skip
    assert previous_output(Analysis, "analysis", stored("analysis", analysis)) is not None
    with pytest.raises(InvalidOutput, match="aligned_goals"):
        validate_output(Analysis, analysis, INPUT)
