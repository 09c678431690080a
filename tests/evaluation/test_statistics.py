"""The statistics agree with published values and with their definitions, on thousands of drawn samples."""

import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.statistics import (
    Share,
    accuracy,
    expected_calibration_error,
    kendall_tau_b,
    macro_f1,
    reliability,
    wilson,
)

PAIRS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=40)
RANKS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=30)
ANSWERS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=40)
COUNTS = st.integers(1, 500).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


@pytest.mark.parametrize(
    ("count", "total", "lowest", "highest"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_the_wilson_interval_has_its_published_values(count: int, total: int, lowest: float, highest: float) -> None:
    assert wilson(count, total) == pytest.approx((lowest, highest), abs=5e-5)


@given(COUNTS)
def test_the_wilson_interval_contains_the_share_and_mirrors_its_complement(counts: tuple[int, int]) -> None:
    count, total = counts
    lowest, highest = wilson(count, total)
    assert 0 <= lowest <= count / total <= highest <= 1
    assert wilson(total - count, total) == pytest.approx((1 - highest, 1 - lowest))


@given(COUNTS)
def test_the_ends_of_the_wilson_interval_solve_its_equation(counts: tuple[int, int]) -> None:
    """An end p satisfies |share - p| = z * sqrt(p (1 - p) / total)."""
    share = counts[0] / counts[1]
    for end in wilson(*counts):
        assert (share - end) ** 2 == pytest.approx(1.959963984540054**2 * end * (1 - end) / counts[1], abs=1e-9)


def test_a_share_of_no_cases_has_no_value() -> None:
    assert Share(0, 0).value is None
    assert Share(1, 4).value == 0.25


def test_macro_f1_has_its_known_value() -> None:
    labels, answers = "aaaabbc", "aabbbba"
    # a: 2 of 4 labels and 3 answers; b: 2 of 2 labels and 4 answers; c: never found.
    assert macro_f1(list(zip(labels, answers, strict=True))) == pytest.approx((4 / 7 + 4 / 6 + 0) / 3)
    assert macro_f1([]) is None


def f1_by_precision_and_recall(pairs: Sequence[tuple[str, str]], item: str) -> float:
    right = sum(label == answer == item for label, answer in pairs)
    if not right:
        return 0.0
    precision = right / sum(answer == item for _, answer in pairs)
    recall = right / sum(label == item for label, _ in pairs)
    return 2 * precision * recall / (precision + recall)


@given(PAIRS)
def test_macro_f1_is_the_mean_of_the_harmonic_means_of_precision_and_recall(pairs: list[tuple[str, str]]) -> None:
    items = {item for pair in pairs for item in pair}
    expected = [f1_by_precision_and_recall(pairs, item) for item in items]
    assert macro_f1(pairs) == (pytest.approx(sum(expected) / len(expected)) if expected else None)


@given(PAIRS)
def test_accuracy_counts_the_equal_pairs(pairs: list[tuple[str, str]]) -> None:
    assert accuracy(pairs) == (len([1 for label, answer in pairs if label == answer]), len(pairs))


@pytest.mark.parametrize(
    ("pairs", "tau"),
    [
        ([(1, 1), (2, 2), (3, 3)], 1.0),
        ([(1, 3), (2, 2), (3, 1)], -1.0),
        ([(12, 1), (2, 4), (1, 7), (12, 1), (2, 0)], -0.4714045207910316),  # the example of SciPy's manual
        ([(1, 1), (1, 2)], None),
        ([(1, 1)], None),
        ([], None),
    ],
)
def test_kendalls_tau_has_its_known_values(pairs: list[tuple[int, int]], tau: float | None) -> None:
    assert kendall_tau_b(pairs) == (tau if tau is None else pytest.approx(tau))


@given(RANKS)
def test_kendalls_tau_follows_its_definition_over_all_pairs_of_notes(ranks: list[tuple[int, int]]) -> None:
    products = [(a[0] - b[0], a[1] - b[1]) for a, b in itertools.combinations(ranks, 2)]
    concordant = sum(x * y > 0 for x, y in products)
    discordant = sum(x * y < 0 for x, y in products)
    untied = sum(x != 0 for x, _ in products) * sum(y != 0 for _, y in products)
    expected = (concordant - discordant) / math.sqrt(untied) if untied else None
    assert kendall_tau_b(ranks) == (expected if expected is None else pytest.approx(expected))


@given(RANKS)
def test_kendalls_tau_changes_its_sign_with_the_order_of_one_side(ranks: list[tuple[int, int]]) -> None:
    tau, reversed_tau = kendall_tau_b(ranks), kendall_tau_b([(-x, y) for x, y in ranks])
    assert (tau is None) == (reversed_tau is None)
    assert tau is None or reversed_tau == pytest.approx(-tau)


def test_the_calibration_error_has_its_known_value() -> None:
    answers = [(0.95, True), (0.85, True), (0.85, False), (0.55, True), (0.55, False), (1.0, False)]
    bins = reliability(answers)
    assert [(group.lowest, group.answers) for group in bins] == [(0.5, 2), (0.8, 2), (0.9, 2)]
    # |0.55 - 0.5| * 2 + |0.85 - 0.5| * 2 + |0.975 - 0.5| * 2, over six answers.
    assert expected_calibration_error(bins) == pytest.approx((0.1 + 0.7 + 0.95) / 6)
    assert expected_calibration_error([]) is None


@given(ANSWERS)
def test_every_answer_is_in_the_bin_of_its_confidence(answers: list[tuple[float, bool]]) -> None:
    bins = reliability(answers)
    assert sum(group.answers for group in bins) == len(answers)
    assert all(group.lowest - 1e-9 <= group.confidence <= group.highest + 1e-9 for group in bins)
    error = expected_calibration_error(bins)
    assert error is None if not answers else error is not None and 0 <= error <= 1
