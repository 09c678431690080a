"""Compares the priority levels with the labelled urgencies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agents.priority_floor import LEVELS, URGENCIES, PriorityLevel
from evaluation.statistics import Share, kendall_tau_b
from notes.reader import NoteUrgency

CALM: Final = ("Low", "Defer")
ALARMED: Final = ("Critical", "High")


@dataclass(frozen=True, slots=True)
class PriorityScore:
    """How the levels fit the labelled urgencies."""

    falsely_calm: Share
    """How many of the notes that are immediate by their label end as Low or Defer."""
    falsely_alarmed: Share
    """How many of the notes without anything to act on (urgency never) end as High or Critical."""
    tau: float | None
    """Kendall's tau-b between level and labelled urgency over all pairs of notes of the set, where Critical is the
    highest level and immediate the highest urgency: 1 when every pair is ordered by its urgency. Pairs with an equal
    level or an equal urgency are ties."""


def score_priorities(pairs: Sequence[tuple[NoteUrgency, PriorityLevel]]) -> PriorityScore:
    """Return the scores of pairs of a labelled urgency and a level."""
    immediate = [level for urgency, level in pairs if urgency == "immediate"]
    never = [level for urgency, level in pairs if urgency == "never"]
    return PriorityScore(
        falsely_calm=Share(sum(level in CALM for level in immediate), len(immediate)),
        falsely_alarmed=Share(sum(level in ALARMED for level in never), len(never)),
        tau=kendall_tau_b([(-LEVELS.index(level), -URGENCIES.index(urgency)) for urgency, level in pairs]),
    )
