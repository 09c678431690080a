"""Finds the goals and earlier thoughts that share words with the thought, and names those words as evidence.

Shared words show that two texts are about the same subject, not that one supports the other: opposites often share
most of their words.
"""

from collections.abc import Iterable

from agents.analysis import Analysis, GoalAlignment, RealisticAssessment
from agents.offline.english import content_words, excerpt, join_quoted
from agents.offline.reading import Reading
from agents.output import MAX_PHRASE_LENGTH, NOT_ASSESSED, replace_unstorable
from agents.profile import phrases

_ENGLISH_ONLY = "Not assessed: the offline rules read English only."
_MAX_EARLIER_THOUGHTS = 100
_MAX_CONNECTIONS = 5
_MIN_SHARED_WORDS = 2


def analyse(reading: Reading) -> Analysis:
    """Return what the words themselves show; everything that needs understanding is empty or marked as not assessed."""
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
    goals = phrases(reading.agent_input.profile, "goals")
    text_words = content_words(reading.text)
    related = [goal for goal in goals if text_words & content_words(goal)]
    return GoalAlignment(aligned_goals=related, conflicting_goals=[], reasoning=_reasoning(reading, goals, related))


def _reasoning(reading: Reading, goals: list[str], related: list[str]) -> str:
    if not goals:
        return "Not assessed: your profile names no goals yet." if reading.is_english else _ENGLISH_ONLY
    if not related:
        return "None of your goals shares a word with this thought." if reading.is_english else _ENGLISH_ONLY
    shared = content_words(reading.text) & set().union(*(content_words(goal) for goal in related))
    return f"The thought and the goals share {_examples(shared)}. Whether it helps or hinders them was not assessed."


def _connections(reading: Reading) -> list[str]:
    """Return a line for each earlier thought with enough shared words, with an excerpt of its beginning."""
    text_words = content_words(reading.text)
    connections: list[str] = []
    for earlier in map(replace_unstorable, reading.agent_input.earlier_thoughts[:_MAX_EARLIER_THOUGHTS]):
        shared = text_words & content_words(earlier)
        if len(shared) >= _MIN_SHARED_WORDS:
            connections.append(
                f"Earlier: \u201c{excerpt(earlier, 90)}\u201d shares {_examples(shared)}."[:MAX_PHRASE_LENGTH]
            )
    return connections[:_MAX_CONNECTIONS]


def _examples(shared: Iterable[str]) -> str:
    return join_quoted([word[:25] for word in sorted(shared)[:3]])


def _constraints(reading: Reading) -> str:
    constraints = phrases(reading.agent_input.profile, "constraints")
    if not constraints:
        return "Not assessed: your profile names no constraints yet."
    first = join_quoted([excerpt(constraint, 80) for constraint in constraints[:3]])
    return f"Your profile names {first}. Whether these are obstacles was not assessed."
