"""Defines the statistics of the scores. All are pure functions of counts and pairs."""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Final, NamedTuple, TypeVar

Item = TypeVar("Item", bound=Hashable)

Z_95: Final = 1.959963984540054
"""The 97.5% quantile of the normal distribution."""

BINS: Final = 10


class Share(NamedTuple):
    """A number of cases out of all cases."""

    cases: int
    total: int

    @property
    def value(self) -> float | None:
        """The share from 0 to 1, or None when there is no case."""
        return self.cases / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% Wilson interval of the share, from 0 to 1; it is (0, 1) when there is no case."""
        return wilson(self.cases, self.total)


class Bin(NamedTuple):
    """The answers whose confidence lies in one range."""

    lowest: float
    highest: float
    answers: int
    confidence: float
    """The mean confidence of the answers, from 0 to 1."""
    accuracy: float
    """The share of right answers, from 0 to 1."""


def wilson(count: int, total: int) -> tuple[float, float]:
    """Return the 95% Wilson score interval of count / total, from 0 to 1; (0, 1) when `total` is 0."""
    if total == 0:
        return 0.0, 1.0
    share, z_square = count / total, Z_95**2
    centre = share + z_square / (2 * total)
    margin = Z_95 * math.sqrt(share * (1 - share) / total + z_square / (4 * total**2))
    scale = 1 + z_square / total
    lowest = 0.0 if count == 0 else (centre - margin) / scale
    highest = 1.0 if count == total else (centre + margin) / scale
    return lowest, highest


def accuracy(pairs: Sequence[tuple[Hashable, Hashable]]) -> Share:
    """Return how many of the pairs (label, answer) are equal."""
    return Share(sum(label == answer for label, answer in pairs), len(pairs))


def macro_f1(pairs: Sequence[tuple[Item, Item]]) -> float | None:
    """Return the mean F1 of all classes that occur as a label or as an answer, or None without pairs (label, answer).

    F1 of a class is 2 * right / (labels + answers), so that a class that is never right counts as 0.
    """
    labels = Counter(label for label, _ in pairs)
    answers = Counter(answer for _, answer in pairs)
    right = Counter(label for label, answer in pairs if label == answer)
    scores = [2 * right[item] / (labels[item] + answers[item]) for item in labels.keys() | answers.keys()]
    return math.fsum(scores) / len(scores) if scores else None


def reliability(answers: Iterable[tuple[float, bool]], bins: int = BINS) -> list[Bin]:
    """Return the answers (confidence from 0 to 1, right or not) in bins of equal width, without the empty ones."""
    groups: dict[int, list[tuple[float, bool]]] = {}
    for confidence, is_right in answers:
        groups.setdefault(min(int(confidence * bins), bins - 1), []).append((confidence, is_right))
    return [_bin(number / bins, (number + 1) / bins, group) for number, group in sorted(groups.items())]


def _bin(lowest: float, highest: float, group: Sequence[tuple[float, bool]]) -> Bin:
    confidence = math.fsum(confidence for confidence, _ in group) / len(group)
    return Bin(lowest, highest, len(group), confidence, sum(is_right for _, is_right in group) / len(group))


def expected_calibration_error(bins: Sequence[Bin]) -> float | None:
    """Return the mean distance between confidence and accuracy, weighted by the answers of each bin; None without."""
    total = sum(group.answers for group in bins)
    distances = (group.answers * abs(group.confidence - group.accuracy) for group in bins)
    return math.fsum(distances) / total if total else None


def kendall_tau_b(pairs: Sequence[tuple[int, int]]) -> float | None:
    """Return Kendall's tau-b of pairs (x, y), from -1 to 1, or None when all x or all y are equal.

    Of the n (n - 1) / 2 pairs of notes, C are concordant (one note has the higher x and the higher y), D are
    discordant, Tx have an equal x and Ty an equal y, where a pair that is equal in both counts in both. Tau-b is
    (C - D) / sqrt((n0 - Tx) (n0 - Ty)) with n0 = n (n - 1) / 2.
    """
    cells = Counter(pairs)
    difference = sum(
        count * other * _sign(x - other_x) * _sign(y - other_y)
        for (x, y), count in cells.items()
        for (other_x, other_y), other in cells.items()
    )
    all_pairs = _pairs(len(pairs))
    untied_x = all_pairs - sum(_pairs(count) for count in Counter(x for x, _ in pairs).values())
    untied_y = all_pairs - sum(_pairs(count) for count in Counter(y for _, y in pairs).values())
    # Each pair of different notes was counted twice, once in each order.
    return difference / 2 / math.sqrt(untied_x * untied_y) if untied_x and untied_y else None


def _sign(difference: int) -> int:
    return (difference > 0) - (difference < 0)


def _pairs(count: int) -> int:
    return count * (count - 1) // 2
