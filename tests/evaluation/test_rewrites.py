"""Each rewriting changes exactly what it says, on drawn notes, and says when it does not apply."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.metamorphic import rewrites
from tests.evaluation.notes_and_providers import note

MONDAY = date(2026, 3, 2)
TEXTS = st.text(min_size=1, max_size=60).filter(lambda text: text.strip() != "")


@given(TEXTS)
def test_lower_case_keeps_the_words(text: str) -> None:
    rewritten = rewrites.lower_case(note(text))
    assert rewritten == (None if text.lower() == text else text.lower())


@given(TEXTS, st.sampled_from([".", "!", "?", "\u2026", "?!", " ..."]))
def test_only_the_punctuation_at_the_end_is_dropped(text: str, end: str) -> None:
    rewritten = rewrites.without_final_punctuation(note(text + end))
    assert rewritten is None or (text.startswith(rewritten) and rewritten[-1] not in ".!?\u2026 ")


def test_a_note_without_final_punctuation_or_of_nothing_else_is_left_out() -> None:
    assert rewrites.without_final_punctuation(note("Call Leo")) is None
    assert rewrites.without_final_punctuation(note("?!")) is None


@pytest.mark.parametrize(
    ("text", "people", "rewritten"),
    [
        ("Call Leo and Ines", ("Leo", "Ines"), "Call Nadia and Robin"),
        ("call leo", ("leo",), "call robin"),
        ("Leo's dog bit Leonie", ("Leo",), "Robin's dog bit Leonie"),
        ("Robin and Leo", ("Leo",), "Robin and Nadia"),
        ("Call Mum", ("Mum",), None),
        ("Mum saw Leo", ("Mum", "Leo"), "Mum saw Robin"),
        ("Call the vet", (), None),
    ],
)
def test_names_are_replaced_by_names_that_the_note_does_not_have(
    text: str, people: tuple[str, ...], rewritten: str | None
) -> None:
    assert rewrites.with_other_names(note(text, people=people)) == rewritten


@pytest.mark.parametrize(
    ("text", "language", "rewritten"),
    [
        ("Call Leo", "en", "Call Leo. The sky is grey."),
        ("Call Leo?", "en", "Call Leo? The sky is grey."),
        ("Leo anrufen!", "de", "Leo anrufen! Der Himmel ist grau."),
        ("Ring Leo", "cy", None),
    ],
)
def test_a_neutral_sentence_is_appended_in_the_language_of_the_note(
    text: str, language: str, rewritten: str | None
) -> None:
    assert rewrites.with_neutral_sentence(note(text, language=language)) == rewritten


def test_only_what_can_be_dropped_is_decided_against() -> None:
    assert rewrites.with_decision_against(note("Call Leo")) == "Call Leo. I decided against it."
    assert rewrites.with_decision_against(note("So tired", type="emotion")) is None


@pytest.mark.parametrize(
    ("text", "quote", "day", "language", "rewritten"),
    [
        ("Call Leo by Friday", "Friday", date(2026, 3, 6), "en", "Call Leo by Tuesday"),
        ("friday's demo", "friday", date(2026, 3, 6), "en", "tuesday's demo"),
        ("Leo am Freitag anrufen", "Freitag", date(2026, 3, 6), "de", "Leo am Dienstag anrufen"),
        ("book it for the move on the 14th", "14th", date(2026, 3, 14), "en", "book it for the move tomorrow"),
        ("launch is in ten days", "in ten days", date(2026, 3, 12), "en", "launch is tomorrow"),
        ("pagar el 14", "14", date(2026, 3, 14), "es", "pagar mañana"),
    ],
)
def test_a_later_date_becomes_tomorrow(text: str, quote: str, day: date, language: str, rewritten: str) -> None:
    assert rewrites.with_nearer_deadline(note(text, language=language), [(quote, day)], MONDAY) == rewritten


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("Call Leo tomorrow", [("tomorrow", date(2026, 3, 3))]),
        ("Called Leo on Friday", [("Friday", date(2026, 2, 27))]),
        ("Friday or next Friday", [("Friday", date(2026, 3, 6))]),
        ("Call Leo", []),
    ],
)
def test_a_note_without_one_clear_later_date_is_left_out(text: str, dates: list[tuple[str, date]]) -> None:
    assert rewrites.with_nearer_deadline(note(text), dates, MONDAY) is None
