"""Finds the goals and earlier thoughts that share words with the thought, and quotes them.

Shared words show that two texts are about the same subject, not that one supports the other: opposites often share
most of their words.
"""

from collections.abc import Iterable

from agents.analysis import Analysis, GoalAlignment, RealisticAssessment
from agents.evidence import Claim, Evidence
from agents.fields import NOT_ASSESSED, replace_unstorable
from agents.offline.english import content_words, excerpt, join_quoted
from agents.offline.reading import Reading
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
        realistic_assessment=_assessment(reading),
        unspoken_factors=[],
        opportunity_cost=NOT_ASSESSED,
    )


def _goals(reading: Reading) -> GoalAlignment:
    goals = phrases(reading.agent_input.profile, "goals")
    text_words = content_words(reading.text)
    shared = {goal: text_words & content_words(goal) for goal in goals}
    related = [
        Claim(statement=f"The thought and this goal share {_examples(words)}.", source="profile", quote=goal)
        for goal, words in shared.items()
        if words
    ]
    return GoalAlignment(
        aligned_goals=related, conflicting_goals=[], reasoning=_reasoning(reading, goals, bool(related))
    )


def _reasoning(reading: Reading, goals: list[str], is_related: bool) -> str:
    if not goals:
        return "Not assessed: your profile names no goals yet." if reading.is_english else _ENGLISH_ONLY
    if not is_related:
        return "None of your goals shares a word with this thought." if reading.is_english else _ENGLISH_ONLY
    return "The thought shares words with these goals. Whether it helps or hinders them was not assessed."


def _connections(reading: Reading) -> list[Claim]:
    """Return a claim for each earlier thought with enough shared words, with an excerpt of its beginning."""
    text_words = content_words(reading.text)
    connections: list[Claim] = []
    for thought in reading.agent_input.earlier_thoughts[:_MAX_EARLIER_THOUGHTS]:
        earlier = replace_unstorable(thought.text)
        shared = text_words & content_words(earlier)
        if len(shared) >= _MIN_SHARED_WORDS:
            statement = f"An earlier thought of yours shares {_examples(shared)}."
            connections.append(Claim(statement=statement, source="earlier_thought", quote=excerpt(earlier, 90)))
    return connections[:_MAX_CONNECTIONS]


def _examples(shared: Iterable[str]) -> str:
    return join_quoted([word[:25] for word in sorted(shared)[:3]])


def _assessment(reading: Reading) -> RealisticAssessment:
    constraints = phrases(reading.agent_input.profile, "constraints")[:3]
    named = "Your profile names these. Whether they are obstacles was not assessed."
    return RealisticAssessment(
        feasibility=NOT_ASSESSED,
        given_constraints=named if constraints else "Not assessed: your profile names no constraints yet.",
        time_required=NOT_ASSESSED,
        evidence=[Evidence(source="profile", quote=constraint) for constraint in constraints],
    )
