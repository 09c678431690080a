"""The signs of a text that the heads see."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.offline.classifier.inputs import NAMES, text_inputs
from tests.agents.calls import WITHOUT_DEADLINE

DAY = date(2026, 3, 11)


def signs(text: str, zone: str = "") -> set[str]:
    return {name for name, value in zip(NAMES, text_inputs(text, DAY, zone).tolist(), strict=True) if value == 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Should I go?", {"question mark", "question mark at the end", "auxiliary at the beginning"}),
        ("\u00bfQui\u00e9n viene?", {"question mark", "question word at the beginning"}),
        ("meeting at 14:30", {"clock time", "digit"}),
        ("owe 20 quid", {"amount"}),
        ("ich gehe nicht", {"first person", "negation"}),
        ("call them tomorrow", {"within a day"}),
        ("met her yesterday", {"past"}),
        ("one\ntwo", {"several lines"}),
    ],
)
def test_a_sign_is_seen(text: str, expected: set[str]) -> None:
    assert expected <= signs(text)
    assert not expected & signs("plain words here")


def test_the_order_of_day_and_month_is_that_of_the_authors_country() -> None:
    assert "within a day" in signs("due 12/3", "Europe/London")
    assert "within a day" not in signs("due 12/3", "America/New_York")


@WITHOUT_DEADLINE
@given(st.text(max_size=200))
def test_every_text_has_one_number_between_0_and_1_for_each_name(text: str) -> None:
    values = text_inputs(text, DAY).tolist()
    assert len(values) == len(NAMES)
    assert all(0 <= value <= 1 for value in values)
