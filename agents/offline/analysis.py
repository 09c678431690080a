"""Finds the goals, constraints and earlier thoughts on the subject of the thought, and quotes them.

A goal is aligned only when the thought plans something on its subject, and conflicting only when the thought gives
something up there. Otherwise the direction is not assessed.
"""

import re
from typing import Final

from agents.analysis import Analysis, GoalAlignment, RealisticAssessment
from agents.days import date_text
from agents.evidence import Claim, Evidence
from agents.fields import NOT_ASSESSED, replace_unstorable
from agents.interface import EarlierThought
from agents.offline.english import excerpt, join_quoted
from agents.offline.reading import Reading
from agents.offline.subjects import (
    CONSTRAINT_THRESHOLD,
    EARLIER_THRESHOLD,
    GOAL_THRESHOLD,
    Direction,
    Match,
    direction,
    matches,
)
from agents.profile import phrases

WITHOUT_MODEL: Final = "Not assessed: the embedding model is not installed here."
_MAX_CONNECTIONS: Final = 3
_MAX_OUTCOME_LENGTH: Final = 200
_TIME: Final = re.compile(
    r"(?<!\w)(?:takes?|for|about|another)\s(?:\d{1,3}|half an|an|one|two|three|four|five|ten|twenty)\s?"
    r"(?:mins?|minutes?|hrs?|hours?|days?|weeks?|months?)(?!\w)",
    re.IGNORECASE,
)


def analyse(reading: Reading) -> Analysis:
    """Return what is similar to the thought; everything that needs understanding is marked as not assessed."""
    goals = phrases(reading.agent_input.profile, "goals")
    constraints = phrases(reading.agent_input.profile, "constraints")
    on_goals = matches(reading.text, goals, GOAL_THRESHOLD)
    on_constraints = matches(reading.text, constraints, CONSTRAINT_THRESHOLD)
    remembered = _remembered(reading)
    assessment = _assessment(reading, constraints, on_constraints)
    found = {
        "goal_alignment": _how(on_goals or []),
        "pattern_connections": _how([match for _, match in remembered]),
        "realistic_assessment.given_constraints": _how(on_constraints or []),
        "realistic_assessment.time_required": "a duration in the text"
        if assessment.time_required != NOT_ASSESSED
        else "",
    }
    return Analysis(
        goal_alignment=_alignment(reading, goals, on_goals),
        underlying_needs=[],
        pattern_connections=[_connection(thought, match) for thought, match in remembered],
        realistic_assessment=assessment,
        unspoken_factors=[],
        opportunity_cost=NOT_ASSESSED,
        found_by={name: how for name, how in found.items() if how},
    )


def _how(found: list[Match]) -> str:
    return found[0].found_by if found else ""


def _alignment(reading: Reading, goals: list[str], found: list[Match] | None) -> GoalAlignment:
    plans_something = reading.kind in ("task", "idea") and bool(reading.found.actions)
    directions: dict[Direction, list[Match]] = {"towards": [], "against": [], "unknown": []}
    for match in found or []:
        directions[direction(reading.text, match.text, plans_something=plans_something)].append(match)
    return GoalAlignment(
        aligned_goals=[
            _goal("The thought plans something on the subject of this goal.", m) for m in directions["towards"]
        ],
        conflicting_goals=[
            _goal("The thought gives something up on the subject of this goal.", m) for m in directions["against"]
        ],
        reasoning=_reasoning(goals, found, directions["unknown"]),
    )


def _goal(statement: str, match: Match) -> Claim:
    return Claim(statement=statement, source="profile", quote=match.text)


def _reasoning(goals: list[str], found: list[Match] | None, undirected: list[Match]) -> str:
    if not goals:
        return "Not assessed: your profile names no goals yet."
    if found is None:
        return WITHOUT_MODEL
    if undirected:
        named = join_quoted([match.text for match in undirected[:2]])
        return f"The thought is about the same subject as {named}. Whether it helps or hinders was not assessed."
    return (
        "Matched by subject and by the words of the thought. Nothing more was assessed."
        if found
        else "None of your goals was found close to this thought."
    )


def _remembered(reading: Reading) -> list[tuple[EarlierThought, Match]]:
    """Return the earlier thoughts closest in meaning, as the memory found them, each text once."""
    earlier = reading.agent_input.earlier_thoughts
    found = [(thought, Match(replace_unstorable(thought.text), round(thought.similarity, 2))) for thought in earlier]
    first_of_each_text: dict[str, tuple[EarlierThought, Match]] = {}
    for thought, match in found:
        if match.similarity >= EARLIER_THRESHOLD:
            first_of_each_text.setdefault(match.text, (thought, match))
    return list(first_of_each_text.values())[:_MAX_CONNECTIONS]


def _connection(thought: EarlierThought, match: Match) -> Claim:
    outcome = (
        f" Its result was \u201c{replace_unstorable(thought.outcome)[:_MAX_OUTCOME_LENGTH]}\u201d"
        if thought.outcome
        else ""
    )
    statement = f"Your thought of {date_text(thought.written_on)} is close to this one in meaning.{outcome}"
    return Claim(statement=statement, source="earlier_thought", quote=excerpt(match.text, 150))


def _assessment(reading: Reading, constraints: list[str], found: list[Match] | None) -> RealisticAssessment:
    duration = _TIME.search(reading.text)
    evidence = [Evidence(source="profile", quote=match.text) for match in (found or [])[:3]]
    if duration:
        evidence.append(Evidence(source="thought", quote=duration.group()))
    return RealisticAssessment(
        feasibility=NOT_ASSESSED,
        given_constraints=_given_constraints(constraints, found),
        time_required=f"You name \u201c{duration.group()}\u201d." if duration else NOT_ASSESSED,
        evidence=evidence,
    )


def _given_constraints(constraints: list[str], found: list[Match] | None) -> str:
    if not constraints:
        return "Not assessed: your profile names no constraints yet."
    if found is None:
        return WITHOUT_MODEL
    if not found:
        return "None of your constraints was found close to this thought."
    return f"On the same subject as {join_quoted([match.text for match in found[:3]])}."
