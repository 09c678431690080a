"""The offline agents return valid outputs for any input, and claim only what the text supports."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.catalogue import CATALOGUE
from agents.dates.english import ENGLISH
from agents.errors import Cancelled
from agents.fields import replace_unstorable
from agents.offline import vocabulary
from agents.offline.people_words import PEOPLE_WORDS
from agents.offline.provider import OfflineProvider
from agents.offline.value_words import WORDS
from tests.agents.calls import WITHOUT_DEADLINE, make_context, make_input, run_all_agents

PROVIDER = OfflineProvider()

CUES = sorted(
    vocabulary.TASK_VERBS | ENGLISH.weekdays.keys() | ENGLISH.months.keys()
    | PEOPLE_WORDS["en"].kin | PEOPLE_WORDS["en"].contact | PEOPLE_WORDS["en"].human | vocabulary.TASK
    | vocabulary.PROBLEM | vocabulary.IDEA | vocabulary.FEELING
    | vocabulary.OTHER_FEELINGS.union(*vocabulary.TONES.values(), *WORDS.values())
)  # fmt: skip
ANY_TEXT = st.text(st.characters(codec=None), max_size=300)
ENGLISH_LIKE = st.lists(
    st.sampled_from(CUES)
    | st.sampled_from(["Anna", "Paris", "?", ".", "31", "2026-02-30", "in", "A" + "a" * 9000, "\n"])
    | ANY_TEXT,
    max_size=40,
).map(" ".join)  # fmt: skip
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | ANY_TEXT, lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner)
)
PROFILES = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("goals", "constraints", "values_ranking", "recent_patterns", "current_challenges"), ANY_JSON
    ),
)
NO_ENTITIES: dict[str, list[str]] = {"people": [], "dates": [], "places": [], "topics": []}


def check_outputs(text: str, outputs: dict[str, Any]) -> None:
    for agent_name in CATALOGUE.names:
        stored = json.loads(json.dumps(outputs[agent_name], allow_nan=False))
        CATALOGUE.named(agent_name).output.model_validate(stored)
        json.dumps(stored, ensure_ascii=False).encode("utf-8")
        assert "\x00" not in json.dumps(stored, ensure_ascii=False)
    for quotes in outputs["classification"]["entities"].values():
        assert all(quote in replace_unstorable(text) for quote in quotes)


@WITHOUT_DEADLINE
@given(ANY_TEXT | ENGLISH_LIKE)
def test_all_outputs_are_valid_for_any_text(text: str) -> None:
    check_outputs(text, run_all_agents(PROVIDER, text))


@settings(WITHOUT_DEADLINE, max_examples=50)
@given(ENGLISH_LIKE, PROFILES, st.lists(ENGLISH_LIKE, max_size=5))
def test_all_outputs_are_valid_for_any_profile_and_any_earlier_thoughts(
    text: str, profile: Any, earlier: list[str]
) -> None:
    check_outputs(text, run_all_agents(PROVIDER, text, profile=profile, earlier_thoughts=earlier))


@settings(WITHOUT_DEADLINE, max_examples=50)
@given(ENGLISH_LIKE, st.dictionaries(st.sampled_from(CATALOGUE.names), ANY_JSON))
def test_all_agents_accept_earlier_outputs_of_any_shape(text: str, previous: Any) -> None:
    for agent_name in CATALOGUE.names:
        PROVIDER.run(agent_name, make_input(text, previous=previous), make_context())


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10_000,
        "my friend " * 1000,
        "?" * 10_000,
        "\u05e9\u05dc\u05d5\u05dd " * 2000,
        "\U0001f600" * 10_000,
        "[[" * 5000,
        "learn the a an my " * 500,
        "Call A" + "a" * 9000,
        "Learn about A" + "a" * 9000,
        "Travel to A" + "a" * 30 + " B" + "b" * 9000,
        "next " * 2000,
        "in a " * 2000,
        "I'm so " * 1400,
        "\n" * 10_000,
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_all_outputs_are_valid_for_the_longest_thoughts(text: str) -> None:
    check_outputs(text, run_all_agents(PROVIDER, text))


def test_the_outputs_for_the_example_of_the_front_page() -> None:
    outputs = run_all_agents(PROVIDER, "Should I learn Rust this winter?")
    classification = outputs["classification"]
    assert (classification["type"], classification["urgency"]) == ("question", "eventually")
    assert classification["entities"] == {**NO_ENTITIES, "topics": ["Rust"]}
    assert outputs["value_impact"]["growth_value"]["score"] is not None
    assert outputs["value_impact"]["economic_value"]["score"] is None
    assert outputs["value_impact"]["economic_value"]["reasoning"] == "Not assessed."
    assert outputs["action_plan"]["quick_wins"] == []
    assert outputs["priority"]["priority_level"] == "Low"
    assert outputs["priority"]["urgency_evidence"] == []


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("Call Anna tomorrow about the contract", {"people": ["Anna"], "dates": ["tomorrow"], "topics": ["contract"]}),
        ("Call mum before Friday about the hospital bill", {"people": ["mum"], "dates": ["Friday"],
                                                            "topics": ["hospital bill"]}),
        ("Ask my sister and Mum", {"people": ["Mum"]}),
        ("Visit Paris with my friend Anna next May", {"people": ["Anna"], "places": ["Paris"]}),
        ("Meet Tom at the office on Sunday", {"people": ["Tom"], "dates": ["Sunday"]}),
        ("I may march in May", {}),
        ("Submit it on February 30 or 2026-13-01", {}),
        ("Call Monday", {"dates": ["Monday"]}),
        ("Get the Rust book to Berlin", {"places": ["Berlin"], "topics": ["Rust"]}),
        ("It is about 5 degrees", {}),
        ("Learn C++ with Peter", {"people": ["Peter"], "topics": ["C++"]}),
        ("Ich will morgen in Berlin meine Mutter besuchen", {"dates": ["morgen"], "places": ["Berlin"]}),
        ("Appeler maman demain", {"people": ["maman"], "dates": ["demain"]}),
        ("Non so cosa fare domani a Roma con Anna", {}),
    ],
)  # fmt: skip
def test_entities_are_quoted_from_the_text_and_never_invented(text: str, entities: dict[str, list[str]]) -> None:
    assert run_all_agents(PROVIDER, text)["classification"]["entities"] == {**NO_ENTITIES, **entities}


def test_an_urgent_and_important_thought_is_critical() -> None:
    text = "Go to the hospital today: bleeding, fever and pain in the chest"
    assert run_all_agents(PROVIDER, text)["priority"]["priority_level"] == "Critical"
    assert run_all_agents(PROVIDER, "Call the plumber today")["priority"]["priority_level"] == "High"


def test_a_missing_classification_is_replaced_by_the_rules() -> None:
    plan = PROVIDER.run("action_plan", make_input("Buy milk"), make_context()).output.model_dump()
    assert plan["main_actions"][0]["action"] == "Buy milk"


def test_a_fenced_call_is_not_made() -> None:
    context = make_context()
    context.cancelled.set()
    with pytest.raises(Cancelled):
        PROVIDER.run("classification", make_input(), context)


@pytest.mark.parametrize(
    "text",
    [
        "Should I learn Rust this winter?",
        "Ask my doctor today about the stress, the pain and my sleep",
        "Remind me to call Z\u00fcrich\u2019s bank about the contract tomorrow\nand about \u201ctaxes\u201d",
        "What if we moved the meeting to the office? " * 20,
    ],
)
def test_every_claim_of_the_rules_is_supported(text: str) -> None:
    profile = {"goals": ["Become good at Rust", "Taxes done early"], "constraints": ["Little money"]}
    earlier = ["Learn Rust with a toy", "Call the bank about the contract"]
    outputs = run_all_agents(PROVIDER, text)
    for agent_name in CATALOGUE.names:
        agent_input = make_input(text, profile=profile, earlier_thoughts=earlier, previous=outputs)
        assert PROVIDER.run(agent_name, agent_input, make_context()).dropped_claims == 0
