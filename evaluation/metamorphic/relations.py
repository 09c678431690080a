"""Defines the metamorphic relations: a rewriting of a note, and what must hold between the results."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from agents.classification import Classification, Urgency
from agents.priority_floor import LEVELS, URGENCIES, PriorityLevel
from evaluation.metamorphic import rewrites
from evaluation.outcomes import Outcome


class Answer(NamedTuple):
    """What the relations compare. `level` is None when the relation does not need it."""

    type: str
    urgency: Urgency
    level: PriorityLevel | None

    def __str__(self) -> str:
        return ", ".join(filter(None, self))


@dataclass(frozen=True, slots=True)
class Relation:
    """One relation between a note and its rewriting."""

    name: str
    rewrite: Callable[[Outcome], str | None]
    """Returns the new text, or None when the relation does not apply to the note."""
    holds: Callable[[Answer, Answer], bool]
    """Given the answers for the note and for its rewriting."""
    needs_priority: bool = False
    """Whether all of the agents must run for the rewriting, or only the classification."""


def answer_of(classification: Classification, level: PriorityLevel | None) -> Answer:
    """Return what the relations compare."""
    return Answer(classification.type, classification.urgency, level)


def keeps_type(before: Answer, after: Answer) -> bool:
    return before.type == after.type


def is_never(_: Answer, after: Answer) -> bool:
    return after.urgency == "never"


def is_not_lower(before: Answer, after: Answer) -> bool:
    """Return whether neither the urgency nor the level, if given, is lower than before."""
    if URGENCIES.index(after.urgency) > URGENCIES.index(before.urgency):
        return False
    return before.level is None or after.level is None or LEVELS.index(after.level) <= LEVELS.index(before.level)


def _nearer(outcome: Outcome) -> str | None:
    dates = [(found.quote, found.day) for found in outcome.classification.resolved_dates]
    return rewrites.with_nearer_deadline(outcome.note, dates, outcome.voice.now.date())


RELATIONS: Final = (
    Relation(
        "a nearer deadline lowers neither urgency nor priority",
        _nearer,
        is_not_lower,
        needs_priority=True,
    ),
    Relation("lower case keeps the type", lambda outcome: rewrites.lower_case(outcome.note), keeps_type),
    Relation(
        "dropped final punctuation keeps the type",
        lambda outcome: rewrites.without_final_punctuation(outcome.note),
        keeps_type,
    ),
    Relation("other names keep the type", lambda outcome: rewrites.with_other_names(outcome.note), keeps_type),
    Relation(
        "an appended neutral sentence keeps the type",
        lambda outcome: rewrites.with_neutral_sentence(outcome.note),
        keeps_type,
    ),
    Relation(
        "\u201cI decided against it.\u201d gives never",
        lambda outcome: rewrites.with_decision_against(outcome.note),
        is_never,
    ),
)
