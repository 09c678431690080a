"""The offline classification: judged where the classifier can run, and guessed by word rules where it cannot."""

from dataclasses import replace
from datetime import date

import pytest

from agents.classification import Classification
from agents.embedding import engine as engine_module
from agents.offline import classification as classification_module
from agents.offline.classification import classify
from agents.offline.classifier.judgement import Judged, Judgement
from tests.agents.calls import make_input, run_all_agents
from tests.agents.offline.readings import PROVIDER

MONDAY = date(2026, 11, 23)


def judged_as(kind: str, urgency: str, *, is_assessed: bool = True) -> Judgement:
    return Judgement(
        Judged(kind, 0.9, is_assessed=True),  # type: ignore[arg-type]
        Judged(urgency, 0.6, is_assessed=is_assessed),  # type: ignore[arg-type]
        Judged("neutral", 0.4, is_assessed=False),
    )


@pytest.fixture
def without_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "LIBRARY", "a_package_that_is_missing")
    engine_module.is_available.cache_clear()
    monkeypatch.setattr("agents.embedding.embedder.is_available", lambda: False)


@pytest.mark.parametrize(
    ("text", "kind", "urgency"),
    [
        ("Call mum before Friday about the hospital bill", "task", "soon"),
        ("water is coming through the kitchen ceiling", "problem", "immediate"),
        ("wasser kommt durch die decke im bad", "problem", "immediate"),
        ("Il faut rendre les clés à l'agence lundi prochain", "task", "soon"),
        ("the light over the harbour this morning, all copper", "observation", "never"),
        ("I miss him more than I thought I would", "emotion", "never"),
        ("a shared shelf in the hallway where neighbours leave books", "idea", "eventually"),
        ("¿vale la pena cambiar el coche por una bici eléctrica?", "question", "eventually"),
    ],
)
def test_plain_notes_in_five_languages_are_judged_as_they_are_meant(text: str, kind: str, urgency: str) -> None:
    found = classify(text, MONDAY, MONDAY, "Europe/London")
    assert (found.type, found.urgency) == (kind, urgency)
    assert found.found_by["type"].startswith("the classifier, ")
    assert found.confidence["type"] >= 0.5


@pytest.mark.parametrize(
    ("text", "judgement", "urgency", "how"),
    [
        ("Send the form tomorrow", judged_as("task", "eventually"), "immediate", "a date in the text"),
        ("Send the form tomorrow", judged_as("observation", "never"), "never", "the classifier, 60% sure"),
        ("Send the form in May 2027", judged_as("task", "soon"), "soon", "the classifier, 60% sure"),
        ("A bigger flat. I decided against it.", judged_as("idea", "eventually"), "never", "a decision in the text"),
        ("Gas smell. Never mind", judged_as("problem", "immediate"), "immediate", "the classifier, 60% sure"),
    ],
)
def test_dates_and_decisions_in_the_text_come_before_the_judgement(
    monkeypatch: pytest.MonkeyPatch, text: str, judgement: Judgement, urgency: str, how: str
) -> None:
    monkeypatch.setattr(classification_module, "judge", lambda *_: judgement)
    found = classify(text, MONDAY, MONDAY)
    assert (found.urgency, found.found_by["urgency"]) == (urgency, how)


@pytest.mark.parametrize(
    ("text", "kind_is_judged", "is_judged"),
    [
        ("The birthday is on 14 February 2027 and nobody has planned it", False, False),
        ("The birthday is on 14 February 2027 and nobody has planned it", True, True),
        ("The birthday was on 14 February 2026", False, True),
        ("The party on 14 February 2027. Never mind", False, True),
    ],
)
def test_never_is_not_judged_when_a_coming_day_is_named_in_a_thought_of_unknown_type(
    monkeypatch: pytest.MonkeyPatch, text: str, kind_is_judged: bool, is_judged: bool
) -> None:
    judgement = judged_as("observation", "never")
    kind = replace(judgement.type, is_assessed=kind_is_judged)
    monkeypatch.setattr(classification_module, "judge", lambda *_: replace(judgement, type=kind))
    assert ("urgency" not in classify(text, MONDAY, MONDAY).not_assessed) == is_judged


@pytest.mark.parametrize(
    "text",
    [
        "I want to kill myself", "lovely day, I could end it all", "ich will nicht mehr leben", "j'ai envie de mourir",
        "no quiero vivir", "quero morrer", "I decided against it. I want to die",
    ],
)  # fmt: skip
def test_words_of_harm_are_immediate_whatever_else_is_judged(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classification_module, "judge", lambda *_: judged_as("emotion", "never"))
    classified = classify(text, MONDAY, MONDAY)
    assert (classified.urgency, classified.found_by["urgency"]) == ("immediate", "words of harm in the text")


@pytest.mark.parametrize("text", ["kill the process", "this traffic kills me", "cut the hedge", "hurt my knee again"])
def test_other_uses_of_these_words_change_nothing(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classification_module, "judge", lambda *_: judged_as("emotion", "never"))
    assert classify(text, MONDAY, MONDAY).urgency == "never"


def test_every_kind_of_entity_that_was_found_says_how() -> None:
    found = classify("Call mum before Friday about the hospital bill", MONDAY, MONDAY)
    assert {name for name in found.found_by if name.startswith("entities.")} == {
        "entities.people", "entities.dates", "entities.topics",
    }  # fmt: skip


def test_what_could_not_be_judged_is_listed_and_holds_the_closest_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classification_module, "judge", lambda *_: judged_as("task", "eventually", is_assessed=False))
    found = classify("the thing with the boxes", MONDAY, MONDAY)
    assert found.not_assessed == ["urgency", "emotional_tone"]
    assert (found.urgency, found.emotional_tone) == ("eventually", "neutral")


@pytest.mark.usefixtures("without_encoder")
@pytest.mark.parametrize(
    ("text", "kind"),
    [("Buy milk", "task"), ("Why is the sky blue", "question"), ("Ich habe ein Problem mit dem Plan", "observation")],
)
def test_without_the_encoder_word_rules_guess_and_nothing_counts_as_assessed(text: str, kind: str) -> None:
    found = classify(text, MONDAY, MONDAY)
    assert (found.type, found.not_assessed) == (kind, ["type", "urgency", "emotional_tone"])
    assert found.found_by["type"] == "a guess by word rules"
    outputs = run_all_agents(PROVIDER, text)
    assert outputs["priority"]["priority_level"] == "Medium", "what was not judged is never told to wait"


def test_the_identity_of_the_provider_changes_with_the_classifier(monkeypatch: pytest.MonkeyPatch) -> None:
    with_classifier = PROVIDER.identity()
    monkeypatch.setattr("agents.offline.provider.classifier_version", lambda: "word rules")
    assert PROVIDER.identity() != with_classifier


def test_the_stored_classification_is_read_again_by_the_later_agents() -> None:
    found = classify("Call mum before Friday about the hospital bill", MONDAY, MONDAY)
    stored = found.with_computed_fields(make_input("Call mum before Friday about the hospital bill"))
    assert Classification.model_validate(stored.model_dump(mode="json")) == stored
