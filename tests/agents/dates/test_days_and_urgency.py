"""Dates in a thought are resolved to days by code, and their urgency counts from the day of the call."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.dates import NamedDate, call_day, dates_of_input, named_dates, urgency_of_dates, writing_day
from tests.agents.calls import WITHOUT_DEADLINE, make_input

MONDAY = date(2026, 11, 23)


def only_date(text: str, written_on: date = MONDAY, today: date | None = None, zone: str = "") -> NamedDate:
    [named] = named_dates(text, written_on, today or written_on, zone)
    return named


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("call her today", "2026-11-23"),
        ("do it this evening", "2026-11-23"),
        ("do it tomorrow night", "2026-11-24"),
        ("we talked the day before yesterday", "2026-11-21"),
        ("in three days", "2026-11-26"),
        ("10 days from now", "2026-12-03"),
        ("in a week", "2026-11-30"),
        ("we met three weeks ago", "2026-11-02"),
        ("on Friday morning", "2026-11-27"),
        ("we met on Friday", "2026-11-20"),
        ("the plumber is due on Monday", "2026-11-30"),
        ("this Friday", "2026-11-27"),
        ("next Friday", "2026-12-04"),
        ("last Friday", "2026-11-20"),
        ("a week on Tuesday", "2026-12-01"),
        ("Friday week", "2026-12-04"),
        ("by 2026-12-01", "2026-12-01"),
        ("on December 1st, 2026", "2026-12-01"),
        ("on 3 January", "2027-01-03"),
        ("they wrote on 20 November", "2026-11-20"),
        ("send it by 20 November", "2027-11-20"),
        ("on 23 November", "2026-11-23"),
        ("on 29 February", "2028-02-29"),
        ("by the 3rd", "2026-12-03"),
        ("due on the 31st", "2026-12-31"),
        ("since the 3rd", "2026-11-03"),
        ("Thursday the 10th", "2026-12-10"),
        ("until the last day of February", "2027-02-28"),
        ("before Christmas", "2026-12-25"),
        ("since Christmas", "2025-12-25"),
        ("by Easter Monday", "2027-03-29"),
    ],
)
def test_a_wording_means_this_day(text: str, day: str) -> None:
    named = only_date(text)
    assert (named.day, named.is_day) == (date.fromisoformat(day), True)


@pytest.mark.parametrize(
    ("text", "last_day"),
    [
        ("wait until the end of the day", "2026-11-23"),
        ("done in 2 hours", "2026-11-23"),
        ("done in two months", "2027-01-31"),
        ("done in a year", "2027-11-30"),
        ("this weekend", "2026-11-29"),
        ("next week", "2026-12-06"),
        ("by the end of the month", "2026-11-30"),
        ("next month", "2026-12-31"),
        ("this quarter", "2026-12-31"),
        ("next year", "2027-12-31"),
        ("this winter", "2027-02-28"),
        ("next summer", "2027-08-31"),
        ("by May", "2027-05-31"),
        ("in December 2027", "2027-12-31"),
        ("nächste Woche", "2026-12-06"),
        ("la semaine prochaine", "2026-12-06"),
        ("la semana que viene", "2026-12-06"),
        ("semana que vem", "2026-12-06"),
    ],
)
def test_a_period_is_no_day_and_has_a_last_one(text: str, last_day: str) -> None:
    named = only_date(text)
    assert (named.day, named.is_day) == (date.fromisoformat(last_day), False)


@pytest.mark.parametrize(
    ("text", "written_on", "day"),
    [
        ("tomorrow", "2024-02-28", "2024-02-29"),
        ("tomorrow", "2026-12-31", "2027-01-01"),
        ("in three days", "2023-02-27", "2023-03-02"),
        ("by the 31st", "2026-04-01", "2026-05-31"),
        ("by the 30th", "2026-01-31", "2026-03-30"),
        ("by the 1st", "2026-12-02", "2027-01-01"),
        ("on 29 February", "2027-03-01", "2028-02-29"),
        ("since the 31st", "2026-03-01", "2026-01-31"),
        ("next Monday", "2026-12-28", "2027-01-04"),
        ("by Easter", "2026-04-06", "2027-03-28"),
        ("by Easter", "2025-01-01", "2025-04-20"),
        ("on New Year's Eve", "2026-12-31", "2026-12-31"),
    ],
)
def test_the_ends_of_months_and_years_and_leap_days_are_counted(text: str, written_on: str, day: str) -> None:
    assert only_date(text, date.fromisoformat(written_on)).day == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/New_York", "2027-05-04"),
        ("America/Indiana/Knox", "2027-05-04"),
        ("Pacific/Honolulu", "2027-05-04"),
        ("America/Toronto", "2027-04-05"),
        ("America/Mexico_City", "2027-04-05"),
        ("Europe/London", "2027-04-05"),
        ("", "2027-04-05"),
    ],
)
def test_the_month_stands_first_in_the_zones_of_the_united_states_alone(zone: str, day: str) -> None:
    assert only_date("send it by 05/04", zone=zone).day == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("zone", "day"),
    [("Europe/London", "2027-03-07"), ("America/Chicago", "2027-05-09"), ("America/Mexico_City", "2027-05-10")],
)
def test_a_holiday_that_countries_have_on_different_days_follows_the_zone(zone: str, day: str) -> None:
    assert only_date("flowers for Mother's Day", zone=zone).day == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("text", "urgency"),
    [
        ("in 2 hours", "immediate"),
        ("tomorrow", "immediate"),
        ("on Tuesday", "immediate"),
        ("on Wednesday", "soon"),
        ("next week", "soon"),
        ("this week", "soon"),
        ("in 15 days", "soon"),
        ("in 16 days", "eventually"),
        ("next month", "eventually"),
        ("on 3 January", "eventually"),
        ("we met yesterday", "eventually"),
    ],
)
def test_the_urgency_of_a_date_follows_from_its_day(text: str, urgency: str) -> None:
    assert only_date(text).urgency == urgency


def test_a_date_becomes_urgent_while_the_thought_waits() -> None:
    cases = {
        ("tomorrow", 0): "immediate",
        ("tomorrow", 5): "immediate",
        ("by 2026-12-20", 27): "immediate",
        ("by 2026-12-20", 20): "soon",
        ("next month", 30): "soon",
        ("next month", 38): "immediate",
    }
    for (text, days), urgency in cases.items():
        assert urgency_of_dates(text, MONDAY, MONDAY + timedelta(days=days)) == urgency, (text, days)


def test_a_text_without_a_date_has_no_urgency() -> None:
    assert urgency_of_dates("every week I march on", MONDAY, MONDAY) is None


def test_the_day_is_that_of_the_authors_time_zone() -> None:
    late = make_input().called_at.replace(hour=23)
    for zone, day in [("Asia/Tokyo", 24), ("America/New_York", 23), ("Moon/Base", 23), ("../etc", 23), (None, 23)]:
        assert call_day(make_input(called_at=late, profile={"time_zone": zone})).day == day, zone


@pytest.mark.parametrize(
    ("written_at", "zone", "day"),
    [
        (datetime(2026, 3, 29, 0, 30, tzinfo=UTC), "Europe/Berlin", "2026-03-30"),  # an hour before the clocks change
        (datetime(2026, 3, 28, 23, 30, tzinfo=UTC), "Europe/Berlin", "2026-03-30"),
        (datetime(2026, 10, 24, 22, 30, tzinfo=UTC), "Europe/Berlin", "2026-10-26"),
        (datetime(2026, 11, 1, 5, 30, tzinfo=UTC), "America/New_York", "2026-11-02"),
        (datetime(2026, 10, 4, 15, 30, tzinfo=UTC), "Australia/Sydney", "2026-10-06"),
    ],
)
def test_tomorrow_is_the_next_day_of_the_calendar_when_the_clocks_change(
    written_at: datetime, zone: str, day: str
) -> None:
    agent_input = make_input("do it tomorrow", written_at=written_at, profile={"time_zone": zone})
    [named] = dates_of_input(agent_input)
    assert named.day == date.fromisoformat(day)
    assert writing_day(agent_input) == date.fromisoformat(day) - timedelta(days=1)


@WITHOUT_DEADLINE
@given(
    st.sampled_from(
        [
            "tomorrow",
            "next Friday",
            "this quarter",
            "in 99 years",
            "by May",
            "on 29 February",
            "next winter",
            "by Easter",
        ]
    ),
    st.dates(),
    st.integers(0, 1000),
)
def test_every_wording_is_read_on_every_day(text: str, written_on: date, days: int) -> None:
    today = min(written_on.toordinal() + days, date.max.toordinal() - 20)
    for named in named_dates(text, written_on, date.fromordinal(today)):
        assert named.urgency in ("immediate", "soon", "eventually")
        assert named.day is not None
        assert named.day >= written_on or written_on.year > 9990 or "29" in text  # a day that has just passed
