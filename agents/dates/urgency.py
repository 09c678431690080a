"""Derives the urgency of a thought from the days that it names."""

from datetime import date, timedelta
from typing import Final

from agents.dates.named import Nearness

_SOON_DAYS: Final = 15


def urgency_of_day(day: date, written_on: date, today: date) -> Nearness:
    """Return the urgency of a day, counted from `today`: immediate within a day, soon within about two weeks.

    A day before the day of writing is not urgent, because the text looks back at it. A day that has passed since then
    is, because nobody has acted on it.
    """
    if day < written_on:
        return "eventually"
    if day <= today + timedelta(days=1):
        return "immediate"
    return "soon" if day <= today + timedelta(days=_SOON_DAYS) else "eventually"


def urgency_of_period(last_day: date, written_on: date, today: date) -> Nearness:
    """Return the urgency of a period by its last day: one that ends after today leaves more time than a day does."""
    urgency = urgency_of_day(last_day, written_on, today)
    return "soon" if urgency == "immediate" and last_day > today else urgency
