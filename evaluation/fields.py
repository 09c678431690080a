"""Scores one field of the classification: type, urgency or tone."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from evaluation.outcomes import FieldAnswer
from evaluation.statistics import Bin, Share, accuracy, expected_calibration_error, macro_f1, reliability

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class FieldScore:
    """The scores of one field over all notes."""

    accuracy: Share
    """How many answers equal their labels, where a guess that is not assessed counts too."""
    macro_f1: float | None
    confusion: Mapping[tuple[str, str], int]
    """(label, answer) -> how many notes."""
    coverage: Share
    """How many answers are assessed."""
    assessed_accuracy: Share
    """How many of the assessed answers equal their labels."""
    calibration_error: float | None
    """The expected calibration error, from 0 to 1; None when no answer has a confidence."""
    reliability: Sequence[Bin]


def score_field(answers: Sequence[FieldAnswer]) -> FieldScore:
    """Return the scores of the answers for one field."""
    pairs = [(answer.label, answer.answer) for answer in answers]
    assessed = [(answer.label, answer.answer) for answer in answers if answer.is_assessed]
    bins = reliability(
        (answer.confidence, answer.label == answer.answer) for answer in answers if answer.confidence is not None
    )
    return FieldScore(
        accuracy=accuracy(pairs),
        macro_f1=macro_f1(pairs),
        confusion=Counter(pairs),
        coverage=Share(len(assessed), len(answers)),
        assessed_accuracy=accuracy(assessed),
        calibration_error=expected_calibration_error(bins),
        reliability=bins,
    )


def accuracy_by(answers: Iterable[tuple[Key, FieldAnswer]]) -> dict[Key, Share]:
    """Return the accuracy of each group of answers, such as those of one voice, in the order of first occurrence."""
    groups: dict[Key, list[tuple[str, str]]] = {}
    for key, answer in answers:
        groups.setdefault(key, []).append((answer.label, answer.answer))
    return {key: accuracy(pairs) for key, pairs in groups.items()}
