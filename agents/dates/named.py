"""Defines a date as it stands in a text, with its day and its urgency."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

Nearness = Literal["immediate", "soon", "eventually"]
"""The urgencies that a date can give a thought, from the most urgent one."""


@dataclass(frozen=True, slots=True)
class NamedDate:
    """A part of a text that names a day or a period, unchanged, and what it means for a reader on a certain day."""

    text: str
    day: date | None
    """The day, or the last day of the period."""
    urgency: Nearness
    is_day: bool = True
    """False for a period such as "next week", which names no day and only says how urgent the thought is."""
