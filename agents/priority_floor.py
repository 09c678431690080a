"""Computes the lowest priority that a thought may have, from its urgency, its value and the days that it names.

Code computes it and no model, so that an urgent thought is never deferred.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final, Literal, NamedTuple, get_args

from agents.classification import Classification, Urgency
from agents.dates import NamedDate, dates_of_input, writing_day
from agents.fields import MAX_PHRASE_LENGTH
from agents.interface import AgentInput
from agents.output import previous_output
from agents.value_impact import ValueImpact

PriorityLevel = Literal["Critical", "High", "Medium", "Low", "Defer"]
LEVELS: Final[tuple[PriorityLevel, ...]] = get_args(PriorityLevel)
"""From the highest to the lowest."""

URGENCIES: Final[tuple[Urgency, ...]] = get_args(Urgency)
"""From the most urgent to the least."""

IMPORTANCE_THRESHOLD: Final = 7.0
"""The lowest weighted total with which a thought is important, as in an Eisenhower matrix."""


UNASSESSED_LEVEL: Final[PriorityLevel] = "Medium"
"""The lowest level of a thought whose urgency could not be judged, because it may be urgent."""


class Floor(NamedTuple):
    """The lowest level that a thought may have, with the urgency that it follows from."""

    level: PriorityLevel
    urgency: Urgency
    reason: str
    """Why it has this urgency, as a clause."""
    due: date | None = None
    """The last day that the thought's most urgent date can mean."""
    is_assessed: bool = True
    """False when the urgency could not be judged. The thought is then at least Medium, and no text says it can wait."""


def lowest_level(agent_input: AgentInput) -> Floor:
    """Return the floor of a thought's level, from its classification and from the days that its text names."""
    classification = previous_output(Classification, "classification", agent_input)
    if classification is None:
        return Floor("Defer", "eventually", "the thought was not classified")
    important = is_important(agent_input)
    urgency = classification.urgency
    by_words = Floor(priority_floor(urgency, important), urgency, f"its urgency is \u201c{urgency}\u201d")
    by_date = _floor_by_date(_deadlines(classification, agent_input), important)
    if "urgency" in classification.not_assessed:
        return _unassessed(urgency, by_date)
    return min(by_date, by_words, key=lambda floor: URGENCIES.index(floor.urgency))


def _unassessed(closest: Urgency, by_date: Floor) -> Floor:
    """Return the floor of a thought whose urgency could not be judged: its date decides, if one is near."""
    if URGENCIES.index(by_date.urgency) < URGENCIES.index("eventually"):
        return by_date._replace(level=higher(by_date.level, UNASSESSED_LEVEL))
    return Floor(UNASSESSED_LEVEL, closest, "its urgency was not assessed", by_date.due, is_assessed=False)


def _deadlines(classification: Classification, agent_input: AgentInput) -> Sequence[NamedDate]:
    """Return the dates of the thought that are deadlines.

    An observation only mentions dates, and what need not be done has none. A feeling has one when the day is still to
    come: "I must go tomorrow, and I am anxious" names a deadline, "today was awful" does not.
    """
    is_sure_of = {"type", "urgency"} - set(classification.not_assessed)
    if "type" in is_sure_of and classification.type == "observation":
        return ()
    if "urgency" in is_sure_of and classification.urgency == "never":
        return ()
    dates = dates_of_input(agent_input)
    if classification.type not in ("emotion", "observation"):
        return dates
    return [named for named in dates if named.day and named.day > writing_day(agent_input)]


def _floor_by_date(dates: Sequence[NamedDate], important: bool) -> Floor:
    if not dates:
        return Floor("Defer", "eventually", "it names no date")
    most_urgent = min(dates, key=lambda named: (URGENCIES.index(named.urgency), named.day or date.max))
    return Floor(
        priority_floor(most_urgent.urgency, important), most_urgent.urgency, _reason(most_urgent), most_urgent.day
    )


def _reason(named: NamedDate) -> str:
    day = f" ({named.day.isoformat()})" if named.day else ""
    return f"it names \u201c{named.text[:MAX_PHRASE_LENGTH]}\u201d{day}"


def is_important(agent_input: AgentInput) -> bool:
    """Return whether the weighted total reaches the threshold; a thought that was not assessed is not important."""
    impact = previous_output(ValueImpact, "value_impact", agent_input)
    return impact is not None and (impact.weighted_total or 0) >= IMPORTANCE_THRESHOLD


def priority_floor(urgency: Urgency, important: bool) -> PriorityLevel:
    """Return the lowest level that an urgency allows, so that an urgent thought is never deferred."""
    if urgency == "immediate":
        return "High" if important else "Medium"
    if urgency == "soon":
        return "Medium" if important else "Low"
    return "Defer"


def higher(first: PriorityLevel, second: PriorityLevel) -> PriorityLevel:
    """Return the higher of two levels."""
    return min(first, second, key=LEVELS.index)
