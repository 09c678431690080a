"""What `clean` returns PostgreSQL keeps, and what a person may not write is told in words."""

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from sqlalchemy import text

from contracts.database import Database
from contracts.text import MAX_THOUGHT_LENGTH, clean, thought_text
from tests.contracts.properties import any_json, any_text, unhurried

KEPT = text("SELECT CAST(CAST(:json AS jsonb) AS text) AS json, CAST(:text AS text) AS text")


def kept(database: Database, json_text: str, written: str) -> tuple[str, str]:
    """A JSON text and a text as PostgreSQL gives them back."""
    row: Any = database.row(KEPT, json=json_text, text=written)
    return row[0], row[1]


def same(json_text: str) -> Any:
    """A JSON text's value, its whole numbers as floats: PostgreSQL writes 1e16 with all its digits."""
    return json.loads(json_text, parse_int=float)


@unhurried
@given(value=any_json, written=any_text)
@example(value="\x00", written="\x00")
@example(value={"a\x00": ["\ud800", math.nan, -math.inf]}, written="\udfff\ud800")
def test_postgresql_keeps_what_was_cleaned(database: Database, value: Any, written: str) -> None:
    sent = json.dumps(clean(value), allow_nan=False)
    json_back, text_back = kept(database, sent, clean(written))
    assert same(json_back) == same(sent)
    assert text_back == clean(written)


@unhurried
@given(any_json)
def test_cleaning_twice_changes_nothing_more(value: Any) -> None:
    assert clean(clean(value)) == clean(value)


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        ("a\x00b", "a\ufffdb"),
        ("a\ud800b", "a\ufffdb"),
        ("\udc00\ud800", "\ufffd\ufffd"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\ufeffkept \u2028 \U0001f600", "\ufeffkept \u2028 \U0001f600"),
        (math.nan, None),
        (math.inf, None),
        ({1: ("a\x00",)}, {"1": ["a\ufffd"]}),
        ([True, None, 7, 0.5], [True, None, 7, 0.5]),
    ],
)
def test_only_what_cannot_be_kept_is_replaced(value: Any, cleaned: Any) -> None:
    assert clean(value) == cleaned


@unhurried
@given(any_text)
def test_a_thought_that_is_accepted_can_be_kept(database: Database, written: str) -> None:
    try:
        accepted = thought_text(written)
    except ValueError:
        return
    assert kept(database, json.dumps(accepted), accepted)[1] == accepted


@pytest.mark.parametrize(
    "written", ["x", "  x\n", "x" * MAX_THOUGHT_LENGTH, " " + "\U0001f600" * MAX_THOUGHT_LENGTH + " "]
)
def test_a_thought_is_trimmed_and_may_be_long(written: str) -> None:
    assert thought_text(written) == written.strip()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "the text is empty"),
        (" \n\t\u2003", "the text is empty"),
        ("x" * (MAX_THOUGHT_LENGTH + 1), "the text has 10,001 characters; the most is 10,000"),
        ("a\x00b", "the text has a NUL or a broken character that cannot be stored"),
        ("a\ud800b", "the text has a NUL or a broken character that cannot be stored"),
    ],
)
def test_a_thought_that_cannot_be_kept_is_refused_in_words_for_its_author(written: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}$"):
        thought_text(written)
