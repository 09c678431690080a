"""Writes days as people read them."""

from datetime import date
from typing import Final

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def day_text(day: date) -> str:
    """Return a day such as "Fri 13 March 2026", in English whatever the locale of the process."""
    return f"{_WEEKDAYS[day.weekday()]} {date_text(day)}"


def date_text(day: date) -> str:
    """Return a day such as "13 March 2026", in English whatever the locale of the process."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def days_from(today: date, day: date) -> str:
    """Return how far a day is from today, such as "in 4 days"."""
    distance = (day - today).days
    if distance in (0, 1):
        return ("today", "tomorrow")[distance]
    return f"in {distance} days" if distance > 0 else f"{-distance} days ago" if distance < -1 else "yesterday"
