"""Dates in a thought are resolved to days by code, and their urgency counts from the day of the call."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.dates import NamedDate, call_day, named_dates, urgency_of_dates
from tests.agents.calls import WITHOUT_DEADLINE, make_input

MONDAY = date(2026, 11, 23)


def only_date(text: str, written_on: date = MONDAY, today: date | None = None) -> NamedDate:
    [named] = named_dates(text, written_on, today or written_on)
    return named


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", "2026-11-23"),
        ("this evening", "2026-11-23"),
        ("at the end of the day", "2026-11-23"),
        ("tomorrow night", "2026-11-24"),
        ("in 2 hours", "2026-11-23"),
        ("in three days", "2026-11-26"),
        ("in a week", "2026-11-30"),
        ("in two months", "2027-01-31"),
        ("in a year", "2027-11-30"),
        ("on Friday morning", "2026-11-27"),
        ("on Monday", "2026-11-23"),
        ("next Friday", "2026-12-04"),
        ("this weekend", "2026-11-29"),
        ("next week", "2026-12-06"),
        ("at the end of the month", "2026-11-30"),
        ("next month", "2026-12-31"),
        ("this quarter", "2026-12-31"),
        ("next year", "2027-12-31"),
        ("this winter", "2027-02-28"),
        ("next summer", "2027-08-31"),
        ("by May", "2027-05-31"),
        ("in December 2027", "2027-12-31"),
        ("by 2026-12-01", "2026-12-01"),
        ("on December 1st, 2026", "2026-12-01"),
        ("on 3 January", "2027-01-03"),
        ("on 20 November", "2026-11-20"),
        ("on 29 February", None),
        ("every week", None),
        ("since May", None),
    ],
)
def test_a_wording_means_at_the_latest_this_day(text: str, day: str | None) -> None:
    assert only_date(text).day == (date.fromisoformat(day) if day else None)


@pytest.mark.parametrize(
    ("text", "urgency"),
    [
        ("in 2 hours", "immediate"),
        ("tomorrow", "soon"),
        ("in two weeks", "soon"),
        ("in 60 days", "eventually"),
        ("next month", "eventually"),
        ("every Monday", "eventually"),
        ("on 3 January", "eventually"),
        ("on 20 November", "eventually"),
    ],
)
def test_the_urgency_of_a_date_follows_from_its_day(text: str, urgency: str) -> None:
    assert only_date(text).urgency == urgency


def test_a_date_becomes_urgent_while_the_thought_waits() -> None:
    cases = {
        ("tomorrow", 1): "immediate",
        ("tomorrow", 5): "immediate",
        ("by 2026-12-20", 27): "immediate",
        ("by 2026-12-20", 20): "soon",
        ("next month", 30): "soon",
    }
    for (text, days), urgency in cases.items():
        assert urgency_of_dates(text, MONDAY, MONDAY + timedelta(days=days)) == urgency, (text, days)


def test_the_day_is_that_of_the_authors_time_zone() -> None:
    late = make_input().called_at.replace(hour=23)
    for zone, day in [("Asia/Tokyo", 24), ("America/New_York", 23), ("Moon/Base", 23), ("../etc", 23), (None, 23)]:
        assert call_day(make_input(called_at=late, profile={"time_zone": zone})).day == day, zone


@WITHOUT_DEADLINE
@given(
    st.sampled_from(
        ["tomorrow", "next Friday", "this quarter", "in 99 years", "by May", "on 29 February", "next winter"]
    ),
    st.dates(),
    st.integers(0, 1000),
)
def test_every_wording_is_read_on_every_day(text: str, written_on: date, days: int) -> None:
    today = min(written_on.toordinal() + days, date.max.toordinal() - 20)
    for named in named_dates(text, written_on, date.fromordinal(today)):
        assert named.urgency in ("immediate", "soon", "eventually")
        assert named.day is None or "29" in text or named.day >= written_on
