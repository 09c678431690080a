"""Turns the scores into JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.fields import FieldScore
from evaluation.metamorphic.checks import Violations
from evaluation.scores import Scores
from evaluation.statistics import Share


def as_json(scores: Scores, violations: Sequence[Violations] | None, examples: int) -> dict[str, Any]:
    """Return all scores as JSON, with at most `examples` texts of each kind. Shares are from 0 to 1."""
    return {
        "notes": scores.notes,
        "fields": {field: _field(score) for field, score in scores.fields.items()},
        "by_voice": _groups(scores.by_voice),
        "by_language": _groups(scores.by_language),
        "entities": {
            kind: {
                "recall": _share(score.recall),
                "precision": _share(score.precision),
                "invented": len(score.invented),
                "invented_examples": list(score.invented[:examples]),
                "missed_examples": list(score.missed[:examples]),
            }
            for kind, score in scores.entities.items()
        },
        "days": {name: getattr(scores.days, name) for name in ("right", "wrong", "unresolved", "invented")},
        "valid_quotes": _share(scores.valid_quotes),
        "dropped_claims": scores.dropped_claims,
        "falsely_calm": _share(scores.priority.falsely_calm),
        "falsely_alarmed": _share(scores.priority.falsely_alarmed),
        "tau_b": scores.priority.tau,
        "median_seconds": scores.spending.median_seconds,
        "longest_seconds": scores.spending.longest_seconds,
        "cost_usd": None if scores.spending.cost_usd is None else float(scores.spending.cost_usd),
        "metamorphic": None if violations is None else [_violations(found, examples) for found in violations],
    }


def _share(share: Share) -> dict[str, Any]:
    return {"cases": share.cases, "total": share.total, "value": share.value, "interval_95": list(share.interval)}


def _groups(groups: Mapping[str, Mapping[str, Share]]) -> dict[str, Any]:
    return {field: {name: _share(share) for name, share in shares.items()} for field, shares in groups.items()}


def _field(score: FieldScore) -> dict[str, Any]:
    confusion: dict[str, dict[str, int]] = {}
    for (label, answer), count in score.confusion.items():
        confusion.setdefault(label, {})[answer] = count
    return {
        "accuracy": _share(score.accuracy),
        "macro_f1": score.macro_f1,
        "coverage": _share(score.coverage),
        "assessed_accuracy": _share(score.assessed_accuracy),
        "calibration_error": score.calibration_error,
        "reliability": [group._asdict() for group in score.reliability],
        "confusion": confusion,
    }


def _violations(found: Violations, examples: int) -> dict[str, Any]:
    return {
        "relation": found.relation,
        "violated": found.violated.cases,
        "checked": found.violated.total,
        "examples": list(found.examples[:examples]),
    }
