"""Scores all outcomes of one set of notes."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, get_args

from agents.evidence import Source, Sources
from evaluation.entities import (
    Comparison,
    Days,
    EntityScore,
    compare_dates,
    compare_days,
    compare_people,
    compare_places,
    score_entities,
    sum_days,
)
from evaluation.fields import FieldScore, accuracy_by, score_field
from evaluation.outcomes import FIELDS, Outcome, field_answer, quotes
from evaluation.priorities import PriorityScore, score_priorities
from evaluation.statistics import Share

KINDS: Final = ("people", "places", "dates")


@dataclass(frozen=True, slots=True)
class Spending:
    """The time and the cost of the notes."""

    median_seconds: float
    longest_seconds: float
    cost_usd: Decimal | None
    """None when the cost of a call is unknown."""


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of a provider on one set."""

    notes: int
    fields: Mapping[str, FieldScore]
    by_voice: Mapping[str, Mapping[str, Share]]
    """Field -> voice -> accuracy."""
    by_language: Mapping[str, Mapping[str, Share]]
    """Field -> language code -> accuracy."""
    entities: Mapping[str, EntityScore]
    days: Days
    valid_quotes: Share
    """How many of the claims that are shown quote words that are in their source."""
    dropped_claims: int
    priority: PriorityScore
    spending: Spending


def score(outcomes: Sequence[Outcome]) -> Scores:
    """Return the scores of the outcomes, of which there must be one at least."""
    return Scores(
        notes=len(outcomes),
        fields={field: score_field([field_answer(outcome, field) for outcome in outcomes]) for field in FIELDS},
        by_voice=_accuracies(outcomes, lambda outcome: outcome.voice.name),
        by_language=_accuracies(outcomes, lambda outcome: outcome.note.language),
        entities={kind: score_entities([_compare(outcome, kind) for outcome in outcomes]) for kind in KINDS},
        days=sum_days([_days(outcome) for outcome in outcomes]),
        valid_quotes=_valid_quotes(outcomes),
        dropped_claims=sum(outcome.dropped_claims for outcome in outcomes),
        priority=score_priorities([(outcome.note.urgency, outcome.priority_level) for outcome in outcomes]),
        spending=_spending(outcomes),
    )


def _accuracies(outcomes: Sequence[Outcome], group: Callable[[Outcome], str]) -> dict[str, dict[str, Share]]:
    return {
        field: accuracy_by((group(outcome), field_answer(outcome, field)) for outcome in outcomes) for field in FIELDS
    }


def _compare(outcome: Outcome, kind: str) -> Comparison:
    note, entities = outcome.note, outcome.classification.entities
    if kind == "people":
        return compare_people(note.people, entities.people)
    if kind == "places":
        return compare_places(note.places, entities.places)
    return compare_dates([noted.quote for noted in note.dates], entities.dates)


def _days(outcome: Outcome) -> Days:
    labelled = [(noted.quote, noted.day) for noted in outcome.note.dates]
    return compare_days(labelled, [(found.quote, found.day) for found in outcome.classification.resolved_dates])


def _valid_quotes(outcomes: Sequence[Outcome]) -> Share:
    checks = [
        _is_in_source(outcome, source, quote) for outcome in outcomes for source, quote in quotes(outcome.outputs())
    ]
    return Share(sum(checks), len(checks))


def _is_in_source(outcome: Outcome, source: str, quote: str) -> bool:
    known = next((name for name in get_args(Source) if name == source), None)
    return known is not None and Sources.of(outcome.agent_input).contain(known, quote)


def _spending(outcomes: Sequence[Outcome]) -> Spending:
    seconds = [outcome.seconds for outcome in outcomes]
    costs = [outcome.cost_usd for outcome in outcomes]
    known = [cost for cost in costs if cost is not None]
    return Spending(
        median_seconds=statistics.median(seconds),
        longest_seconds=max(seconds),
        cost_usd=sum(known, Decimal(0)) if len(known) == len(costs) else None,
    )
