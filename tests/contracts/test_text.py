"""PostgreSQL can store what `clean` returns, and a rejected text gets a message for its author."""

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from sqlalchemy import text

from contracts.database import Database
from contracts.text import MAX_THOUGHT_LENGTH, clean, thought_text
from tests.contracts.properties import any_json, any_text, without_deadline

ROUND_TRIP = text("SELECT CAST(CAST(:json AS jsonb) AS text) AS json, CAST(:text AS text) AS text")


def round_trip(database: Database, json_text: str, written: str) -> tuple[str, str]:
    """Send a JSON text and a text to PostgreSQL and return what it answers."""
    row: Any = database.row(ROUND_TRIP, json=json_text, text=written)
    return row[0], row[1]


def normalise(json_text: str) -> Any:
    """Parse a JSON text with integers as floats, because PostgreSQL writes 1e16 with all its digits."""
    return json.loads(json_text, parse_int=float)


@without_deadline
@given(value=any_json, written=any_text)
@example(value="\x00", written="\x00")
@example(value={"a\x00": ["\ud800", math.nan, -math.inf]}, written="\udfff\ud800")
def test_postgresql_stores_every_cleaned_value(database: Database, value: Any, written: str) -> None:
    sent = json.dumps(clean(value), allow_nan=False)
    returned_json, returned_text = round_trip(database, sent, clean(written))
    assert normalise(returned_json) == normalise(sent)
    assert returned_text == clean(written)


@without_deadline
@given(any_json)
def test_cleaning_a_clean_value_changes_nothing(value: Any) -> None:
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
def test_clean_replaces_only_what_cannot_be_stored(value: Any, cleaned: Any) -> None:
    assert clean(value) == cleaned


@without_deadline
@given(any_text)
def test_postgresql_stores_every_accepted_text(database: Database, written: str) -> None:
    try:
        accepted = thought_text(written)
    except ValueError:
        return
    assert round_trip(database, json.dumps(accepted), accepted)[1] == accepted


@pytest.mark.parametrize(
    "written", ["x", "  x\n", "x" * MAX_THOUGHT_LENGTH, " " + "\U0001f600" * MAX_THOUGHT_LENGTH + " "]
)
def test_thought_text_trims_the_text_and_accepts_the_maximum_length(written: str) -> None:
    assert thought_text(written) == written.strip()


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "the text is empty; write at least one character"),
        (" \n\t\u2003", "the text is empty; write at least one character"),
        ("x" * (MAX_THOUGHT_LENGTH + 1), "the text has 10,001 characters; shorten it to 10,000 or fewer"),
        ("a\x00b", "the text contains a NUL or an invalid character, which cannot be stored; remove it"),
        ("a\ud800b", "the text contains a NUL or an invalid character, which cannot be stored; remove it"),
    ],
)
def test_thought_text_rejects_a_text_with_a_message_for_its_author(written: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        thought_text(written)
