"""Offline analysis: which goals and earlier thoughts share words with this one, with the words as evidence.

Shared words show that two texts touch the same matter, not that one helps the other: opposites share the most.
"""

from collections.abc import Iterable

from agents.analysis import Analysis, GoalAlignment, RealisticAssessment
from agents.offline.english import content_words, quote, quoted
from agents.offline.reading import Reading
from agents.output import MAX_PHRASE_LENGTH, NOT_ASSESSED, clean
from agents.profile import phrases

_ENGLISH_ONLY = "Not assessed: the offline rules read English only."
_MOST_EARLIER_LOOKED_AT = 100
_MOST_CONNECTIONS = 5
_LEAST_SHARED_WITH_EARLIER = 2


def analyse(reading: Reading) -> Analysis:
    """What the words themselves show; everything that needs understanding is left out or said to be not assessed."""
    return Analysis(
        goal_alignment=_goals(reading),
        underlying_needs=[],
        pattern_connections=_connections(reading),
        realistic_assessment=RealisticAssessment(
            feasibility=NOT_ASSESSED, given_constraints=_constraints(reading), time_required=NOT_ASSESSED
        ),
        unspoken_factors=[],
        opportunity_cost=NOT_ASSESSED,
    )


def _goals(reading: Reading) -> GoalAlignment:
    goals = phrases(reading.given.profile, "goals")
    about = content_words(reading.text)
    touched = [goal for goal in goals if about & content_words(goal)]
    return GoalAlignment(aligned_goals=touched, conflicting_goals=[], reasoning=_reasoning(reading, goals, touched))


def _reasoning(reading: Reading, goals: list[str], touched: list[str]) -> str:
    if not goals:
        return "Not assessed: your profile names no goals yet." if reading.is_english else _ENGLISH_ONLY
    if not touched:
        return "None of your goals shares a word with this thought." if reading.is_english else _ENGLISH_ONLY
    shared = content_words(reading.text) & set().union(*(content_words(goal) for goal in touched))
    return f"The thought and the goals share {_some(shared)}. Whether it helps or hinders them was not assessed."


def _connections(reading: Reading) -> list[str]:
    """The earlier thoughts with enough words in common, each quoted from its beginning."""
    about = content_words(reading.text)
    found: list[str] = []
    for earlier in map(clean, reading.given.earlier_thoughts[:_MOST_EARLIER_LOOKED_AT]):
        shared = about & content_words(earlier)
        if len(shared) >= _LEAST_SHARED_WITH_EARLIER:
            found.append(f"Earlier: \u201c{quote(earlier, 90)}\u201d shares {_some(shared)}."[:MAX_PHRASE_LENGTH])
    return found[:_MOST_CONNECTIONS]


def _some(shared: Iterable[str]) -> str:
    return quoted([word[:25] for word in sorted(shared)[:3]])


def _constraints(reading: Reading) -> str:
    named = phrases(reading.given.profile, "constraints")
    if not named:
        return "Not assessed: your profile names no constraints yet."
    first = quoted([quote(constraint, 80) for constraint in named[:3]])
    return f"Your profile names {first}. Whether they stand in the way was not assessed."
