"""What counts as visible, over all of Unicode, and what is left of a text on one plain line."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.text import thought_text
from contracts.visible_text import BIDI_CONTROLS, has_visible_character, is_visible, plain_line
from tests.contracts.properties import any_text, without_deadline

ALL_CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1)]
INVISIBLE = [character for character in ALL_CHARACTERS if not is_visible(character)]

REPORTED = "\u200b\u2800\u3164\u00ad\ufeff\u2060\u202e\u180e\u115f\ufe0f\u061c\u034f\u0301\a"
SIBLINGS = "\u1160\uffa0\u200d\u200e\u2063\u2069\u206a\u17b4\u180b\u20e3\u0903\ufff9\ufffc\uffff\x7f\x85\u2028\u3000"
ASTRAL_SIBLINGS = "\U000e0041\U000e0100\U0001d159\U0001bca0\U0001d173\U00013441\U0001fffe"

KEPT = [
    "\U0001f469\u200d\U0001f469\u200d\U0001f467",  # a family, joined
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian, with a non-joiner
    "Donau\u00addampf\u00adschiff",
    "\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f",  # Arabic, with its vowels
    "\u2764\ufe0f",
    "e\u0301",
    "1\ufe0f\u20e3",
    "\ufeffa",
    "\u202eright to left",
    "a\abell and an \x1b[31mescape",
    "\u05d0\u05d1\u05d2 Rust \u05d3",
]
STILL_UNASSIGNED = "\U0001fae8\U0001fae9"
"""Emoji of Unicode 15 and 16, which an older Python does not know."""


@pytest.mark.parametrize("character", [*REPORTED, *SIBLINGS, *ASTRAL_SIBLINGS], ids=lambda it: f"U+{ord(it):04X}")
def test_a_character_that_shows_nothing_is_no_thought_however_often_it_is_repeated(character: str) -> None:
    for written in (character, character * 50, f" {character}\n\u200b{character} "):
        with pytest.raises(ValueError, match=r"no visible character|is empty"):
            thought_text(written)


@without_deadline
@given(st.lists(st.sampled_from(INVISIBLE)))
def test_no_combination_of_characters_that_show_nothing_is_visible(characters: list[str]) -> None:
    assert not has_visible_character("".join(characters))


@without_deadline
@given(any_text, st.characters(categories=("L", "N", "P", "S")).filter(is_visible), any_text)
def test_one_visible_character_makes_every_text_visible(before: str, character: str, after: str) -> None:
    assert has_visible_character(f"{before}{character}{after}")


def test_every_letter_digit_punctuation_mark_and_symbol_is_visible_except_the_known_blank_ones() -> None:
    known = [char for char in ALL_CHARACTERS if unicodedata.category(char)[0] in "LNPS"]
    blank = {char for char in known if not is_visible(char)}
    assert blank == set("\u115f\u1160\u3164\uffa0\u2800\ufffc\U0001d159") | (set("\U00013441\U00013442") & set(known))


def test_no_space_control_surrogate_or_combining_mark_is_visible_alone() -> None:
    for character in ALL_CHARACTERS:
        if unicodedata.category(character)[0] in "ZM" or unicodedata.category(character) in {"Cc", "Cs"}:
            assert not is_visible(character), hex(ord(character))


def test_of_the_format_characters_only_the_signs_that_enclose_numbers_and_words_are_visible() -> None:
    visible = {char for char in ALL_CHARACTERS if unicodedata.category(char) == "Cf" and is_visible(char)}
    assert visible <= set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
    assert "\u06dd" in visible


@pytest.mark.parametrize("written", [*KEPT, *STILL_UNASSIGNED, "\ue000"], ids=ascii)
def test_a_visible_text_is_kept_with_all_its_invisible_characters(written: str) -> None:
    assert thought_text(f" {written}\n") == written


@without_deadline
@given(any_text)
def test_a_plain_line_has_no_control_and_nothing_that_sets_a_direction(written: str) -> None:
    line = plain_line(written)
    assert not BIDI_CONTROLS & set(line)
    assert not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in line)


@pytest.mark.parametrize(
    "written", [text for text in KEPT if text.isprintable() or "\u200d" in text or "\u200c" in text]
)
def test_a_plain_line_keeps_what_joins_emoji_and_words(written: str) -> None:
    assert plain_line(written) == written
