"""Decides whether the words around a day are about the past: "we met on Friday" means the last one."""

import re
from typing import Final

from agents.dates.grammar import Context
from agents.dates.resolution import Tense

_BOUNDARY: Final = re.compile(r"[.!?;\n\u2026]\s|[;\n\u2026]")
_SEGMENT: Final = re.compile(r",\s|\s(?:and|but|und|aber|et|mais|y|pero|e|mas)\s|:\s|\s[\u2013\u2014-]\s|\s/\s")
_MAX_DISTANCE: Final = 60
_SEGMENT_COST: Final = 60
"""A verb beyond a comma counts as this many characters farther away."""
_MAX_CLAUSE: Final = 300


def tense_around(text: str, start: int, end: int, context: Context) -> Tense:
    """Return the tense in which the clause around `text[start:end]` names the day there. `text` is in lower case."""
    before, after = _clause(text, start, end)
    if context.past_lead.search(before):
        return "past"
    if context.future_lead.search(before):
        return "future"
    if context.perhaps_future_lead.search(before) or context.future_opening.search(before):
        return "perhaps_future"
    past = _distance(context.past_verbs, before, after)
    other = _distance(context.other_verbs, before, after)
    if past is not None and past < _MAX_DISTANCE and (other is None or past < other):
        return "perhaps_past"
    return "unknown" if other is None else "perhaps_future"


def _clause(text: str, start: int, end: int) -> tuple[str, str]:
    """Return the parts of the sentence before and after the day."""
    before = text[max(0, start - _MAX_CLAUSE) : start]
    after = text[end : end + _MAX_CLAUSE]
    boundaries = [match.end() for match in _BOUNDARY.finditer(before)]
    first = _BOUNDARY.search(after)
    return before[boundaries[-1] if boundaries else 0 :], after[: first.start() if first else len(after)]


def _distance(verbs: re.Pattern[str], before: str, after: str) -> int | None:
    """Return the distance of the nearest verb, or None without one."""
    distances = [
        len(before) - match.end() + _SEGMENT_COST * len(_SEGMENT.findall(before, match.end()))
        for match in verbs.finditer(before)
    ]
    first = verbs.search(after)
    if first is not None:
        distances.append(first.start() + _SEGMENT_COST * len(_SEGMENT.findall(after, 0, first.start())))
    return min(distances, default=None)
