"""The key of a thought's results: equal only when everything is equal that the results depend on."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.catalogue import CATALOGUE, Catalogue
from agents.offline.provider import OfflineProvider
from agents.reuse import depends_on_day, normalised, reuse_key
from tests.agents.calls import WITHOUT_DEADLINE, WRITTEN_AT, make_input
from tests.agents.opposites import OPPOSITES

TEXT = "I want to learn to sail"


class Provider(OfflineProvider):
    """A provider with another identity."""

    def __init__(self, identity: Mapping[str, Any]) -> None:
        self._identity = identity

    def identity(self) -> Mapping[str, Any]:
        return self._identity


PROVIDER = Provider({"provider": "a", "version": "1", "models": {"analysis": ["x:one", "x:two"]}})


def key(text: str = TEXT, **fields: Any) -> str:
    return reuse_key(make_input(text, **fields), PROVIDER, "a model")


@pytest.mark.parametrize(
    "variant",
    [
        TEXT + ".",
        f"  {TEXT}\n",
        TEXT.replace(" ", "\n"),
        TEXT.replace(" ", "\u00a0\t"),
        TEXT + " .",
    ],
)
def test_a_difference_that_no_reader_would_see_does_not_change_the_key(variant: str) -> None:
    assert key(variant) == key()


def test_the_composition_of_characters_does_not_change_the_key() -> None:
    assert key("Z\u00fcrich is calling me") == key("Zu\u0308rich is calling me")


@pytest.mark.parametrize("variant", [TEXT + "?", TEXT + "!", TEXT + "...", TEXT.upper(), TEXT.lower(), TEXT + ","])
def test_any_other_difference_of_the_text_changes_the_key(variant: str) -> None:
    assert key(variant) != key()


@pytest.mark.parametrize("pair", OPPOSITES, ids=lambda pair: pair[0][:30])
def test_opposites_have_different_keys(pair: tuple[str, str]) -> None:
    assert len(OPPOSITES) >= 15
    assert key(pair[0]) != key(pair[1])


@WITHOUT_DEADLINE
@given(st.text(max_size=40), st.text(max_size=40))
def test_only_texts_of_the_same_words_in_the_same_order_have_the_same_key(first: str, second: str) -> None:
    assert (key(first) == key(second)) == (normalised(first) == normalised(second))


def test_the_id_of_the_thought_and_its_results_so_far_do_not_count() -> None:
    assert key(thought_id="another", previous={"classification": {}}) == key()


def test_the_user_counts() -> None:
    other = make_input(TEXT)
    object.__setattr__(other, "user_id", "another user")
    assert reuse_key(other, PROVIDER, "a model") != key()


@pytest.mark.parametrize(
    "identity",
    [
        {"provider": "a", "version": "2", "models": {"analysis": ["x:one", "x:two"]}},
        {"provider": "b", "version": "1", "models": {"analysis": ["x:one", "x:two"]}},
        {"provider": "a", "version": "1", "models": {"analysis": ["x:two", "x:one"]}},
    ],
)
def test_provider_version_and_models_count(identity: Mapping[str, Any]) -> None:
    assert reuse_key(make_input(TEXT), Provider(identity), "a model") != key()


def test_the_model_that_chooses_the_earlier_thoughts_counts() -> None:
    assert reuse_key(make_input(TEXT), PROVIDER, "") != key()


def test_the_agents_and_the_versions_of_their_prompts_count() -> None:
    fewer = Catalogue(*CATALOGUE.agents[:-1])
    assert reuse_key(make_input(TEXT), PROVIDER, "a model", fewer) != key()


def test_what_a_model_is_asked_counts_although_its_version_was_forgotten() -> None:
    first, *others = CATALOGUE.agents
    reworded = Catalogue(replace(first, instructions=first.instructions + " Be brief."), *others)
    assert reuse_key(make_input(TEXT), PROVIDER, "a model", reworded) != key()


def test_the_contents_of_the_profile_count_and_not_their_order() -> None:
    profile = {"goals": ["Sail"], "language": "German"}
    assert key(profile=profile) != key()
    assert key(profile=profile) == key(profile=dict(reversed(profile.items())))
    assert key(profile=profile) != key(profile=profile | {"goals": ["Sleep"]})


@pytest.mark.parametrize(
    "text",
    [
        "Call mum tomorrow", "Pay the rent by 2026-12-01", "The party is on 5 May", "I am late again this week",
        "Do it now", "Es ist morgen f\u00e4llig", "Hay que hacerlo ma\u00f1ana", "Il faut le faire avant vendredi",
        "Tenho consulta amanh\u00e3", "My deadline is close", "Meet Tom at 5", "The exam is in March",
        "We must pay in May",
        "Ich muss \u00fcbermorgen zahlen", "In zwei Minuten ist Schluss", "Das muss sofort weg", "Im Mai zieht sie aus",
        "En cinco minutos sale el tren", "en mayo vence el contrato", "Em cinco minutos sai o trem", "Anteontem eu vi",
        "manana llamo a mama", "o boleto vence amanha", "bientot les vacances", "Rent is due at the end of the quarter",
        "Call mum to\u200bmorrow", "Call mum t\u043emorrow", "Call mum \uff54\uff4f\uff44\uff41\uff59",
        "CALL MUM TODAY",
        "Domani devo chiamare la mamma", "Overmorgen examen", "Jutro dzwoni\u0119 do mamy", "Yar\u0131n annemi",
        "\u0437\u0430\u0432\u0442\u0440\u0430 \u043f\u043e\u0437\u0432\u043e\u043d\u0438\u0442\u044c",
        "\u660e\u65e5\u6bcd\u306b\u96fb\u8a71\u3059\u308b", "Ett \u00e4rende att minnas",
    ],
)  # fmt: skip
def test_a_text_that_may_name_a_time_has_another_key_on_another_day(text: str) -> None:
    assert depends_on_day(text)
    next_day = WRITTEN_AT + timedelta(days=1)
    assert key(text) != key(text, written_at=next_day, called_at=next_day)
    assert key(text) != key(text, called_at=next_day), "how urgent a date is counts from the day of the call"
    assert key(text) == key(text, written_at=WRITTEN_AT + timedelta(minutes=1))


@pytest.mark.parametrize(
    "text",
    [
        TEXT, "Should I quit my job and become a carpenter?", "Ich will Segeln lernen", "Milch kaufen", "Comprar pan",
        "Quiero aprender a tocar la guitarra", "Je veux apprendre le piano", "Quero aprender viol\u00e3o", "buy milk",
    ],
)  # fmt: skip
def test_a_text_without_a_time_has_the_same_key_on_another_day(text: str) -> None:
    later = WRITTEN_AT + timedelta(days=40)
    assert key(text) == key(text, written_at=later, called_at=later)


def test_the_day_is_that_of_the_authors_time_zone() -> None:
    text, profile = "Call mum tomorrow", {"time_zone": "Asia/Tokyo"}
    evening = WRITTEN_AT.replace(hour=16)
    assert key(text, profile=profile) != key(text, profile=profile, written_at=evening, called_at=evening)
    assert key(text) == key(text, written_at=evening, called_at=evening)
