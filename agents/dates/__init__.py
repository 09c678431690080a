"""Finds the dates that a thought names, resolves them to days, and derives its urgency from them.

Code does this and no model, because models count days wrongly. General date parsers report dates in notes that have
none. The grammar here covers five languages; it misses some dates, and reports none where the words around a day leave
open which one is meant.
"""

from agents.dates.finding import call_day, dates, dates_of_input, named_dates, urgency_of_dates, writing_day
from agents.dates.named import NamedDate, Nearness

__all__ = [
    "NamedDate",
    "Nearness",
    "call_day",
    "dates",
    "dates_of_input",
    "named_dates",
    "urgency_of_dates",
    "writing_day",
]
