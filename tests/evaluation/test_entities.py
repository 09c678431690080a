"""People, places and dates are compared as the labelling guide says."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.entities import (
    Days,
    compare_dates,
    compare_days,
    compare_people,
    compare_places,
    is_role,
    person_name,
    same_date,
    score_entities,
)

QUOTES = st.lists(st.sampled_from(["Leo", "Ines", "Tom", "Maya", "Omar"]), unique=True)
FRIDAY, SATURDAY = date(2026, 3, 6), date(2026, 3, 7)


@given(QUOTES, QUOTES)
def test_every_name_is_found_missed_or_invented(labelled: list[str], found: list[str]) -> None:
    comparison = compare_people(labelled, found)
    assert set(comparison.found) == set(labelled) & set(found)
    assert set(comparison.missed) == set(labelled) - set(found)
    assert set(comparison.invented) == set(found) - set(labelled)


@pytest.mark.parametrize(
    ("labelled", "found"),
    [
        ("okonkwo", "prof okonkwo"),
        ("Haas", "Dr. Haas"),
        ("mum", "my mum"),
        ("Frau Weber", "Weber"),
        ("Reme", "tía Reme"),
    ],
)
def test_a_title_is_no_part_of_a_name(labelled: str, found: str) -> None:
    comparison = compare_people([labelled], [found])
    assert (list(comparison.missed), list(comparison.invented)) == ([], [])


@pytest.mark.parametrize("found", ["leo", "Leo's", "Leonie", "Le"])
def test_another_case_or_another_part_of_a_name_is_missed_and_invented(found: str) -> None:
    comparison = compare_people(["Leo"], [found])
    assert (list(comparison.missed), list(comparison.invented)) == (["Leo"], [found])


@pytest.mark.parametrize(
    "role", ["my sister", "the vet", "Mum", "mi abuela", "meine Schwester", "the landlord", "my friends"]
)
def test_a_role_is_neither_right_nor_wrong(role: str) -> None:
    comparison = compare_people([], [role])
    assert (list(comparison.found), list(comparison.invented)) == ([], [])


def test_a_kin_word_that_is_labelled_as_a_name_can_be_missed() -> None:
    assert list(compare_people(["Mum"], []).missed) == ["Mum"]
    assert list(compare_people(["Mum"], ["Mum"]).found) == ["Mum"]


@pytest.mark.parametrize(("quote", "answer"), [("Sister Agnes", False), ("the vet's", True), ("Vet Haas", False)])
def test_a_role_with_a_name_is_no_role(quote: str, answer: bool) -> None:
    assert is_role(quote) is answer


@pytest.mark.parametrize(("quote", "name"), [("Dr", "Dr"), ("uncle deano", "deano"), ("St. John", "John"), ("", "")])
def test_the_last_word_of_a_name_is_never_a_title(quote: str, name: str) -> None:
    assert person_name(quote) == name


def test_a_place_that_is_not_labelled_is_invented() -> None:
    comparison = compare_places(["Lisbon"], ["lisbon", "work"])
    assert (list(comparison.missed), list(comparison.invented)) == (["Lisbon"], ["lisbon", "work"])
    assert list(compare_places(["Azores"], ["the Azores"]).found) == ["Azores"]


@pytest.mark.parametrize(
    ("quote", "other", "is_same"),
    [
        ("the 31st", "31st", True), ("on Friday", "Friday", True), ("Friday", "next Friday", True),
        ("Friday", "friday", False), ("Friday", "Fridays", False), ("1", "11", False), ("am Montag", "Montag", True),
    ],
)  # fmt: skip
def test_two_expressions_are_the_same_date_when_one_contains_the_other(quote: str, other: str, is_same: bool) -> None:
    assert same_date(quote, other) is same_date(other, quote) is is_same


def test_a_range_that_was_found_is_invented() -> None:
    comparison = compare_dates(["Friday"], ["Friday", "this week"])
    assert (list(comparison.found), list(comparison.invented)) == (["Friday"], ["this week"])


def test_the_days_of_dates_are_right_wrong_unresolved_or_invented() -> None:
    labelled = [("Friday", FRIDAY), ("the 7th", SATURDAY), ("tomorrow", SATURDAY)]
    found = [("Friday", FRIDAY), ("7th", FRIDAY), ("this week", SATURDAY)]
    assert compare_days(labelled, found) == Days(right=1, wrong=1, unresolved=1, invented=1)


def test_recall_and_precision_are_over_all_notes() -> None:
    score = score_entities(
        [compare_people(["Leo"], ["Leo", "Grace"]), compare_people(["Tom"], []), compare_people([], [])]
    )
    assert (score.recall, score.precision) == ((1, 2), (1, 2))
    assert (score.invented, score.missed) == (["Grace"], ["Tom"])
