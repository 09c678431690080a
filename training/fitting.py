"""Fits the heads of the classifier, and calibrates them on voices that were left out."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from agents.offline.classifier.heads import FIELDS, LABELS, Field, Head
from training.data import Examples

Floats = NDArray[np.float32]

REGULARISATION: Final = 1.0
"""The C of the logistic regression. Larger ones fit the notes of known voices better, and those of others worse."""

_TEMPERATURES: Final = tuple(float(value) for value in np.geomspace(0.5, 4, 61))


def fit(examples: Examples, inputs: Floats) -> dict[Field, Head]:
    """Return the head of each field. `inputs` has one row for each example."""
    return {field: _fit_field(examples, inputs, field) for field in FIELDS}


def calibrated(heads: Mapping[Field, Head], temperatures: Mapping[Field, float]) -> dict[Field, Head]:
    """Return the heads with their scores divided by the temperatures, so that their confidences are shares."""
    return {
        field: Head(head.weights / np.float32(temperatures[field]), head.biases / np.float32(temperatures[field]))
        for field, head in heads.items()
    }


def fit_temperatures(heads: Mapping[Field, Head], left_out: Examples, inputs: Floats) -> dict[Field, float]:
    """Return, for each field, the temperature with which the labels of the left-out voices are most likely."""
    return {
        field: min(_TEMPERATURES, key=lambda value: _loss(head, value, inputs, left_out.labels[field]))
        for field, head in heads.items()
    }


def accuracies(heads: Mapping[Field, Head], examples: Examples, inputs: Floats) -> dict[Field, float]:
    """Return, for each field, the share of the examples that its head judges as they are labelled."""
    return {
        field: float((head.probabilities(inputs).argmax(axis=1) == examples.labels[field]).mean())
        for field, head in heads.items()
    }


def _fit_field(examples: Examples, inputs: Floats, field: Field) -> Head:
    model = LogisticRegression(C=REGULARISATION, max_iter=1000).fit(inputs, examples.labels[field])
    if len(model.classes_) != len(LABELS[field]):
        raise ValueError(f"{field}: the training notes have no example of some label")
    return Head(np.asarray(model.coef_, np.float32), np.asarray(model.intercept_, np.float32))


def _loss(head: Head, temperature: float, inputs: Floats, labels: NDArray[np.int64]) -> float:
    scaled = Head(head.weights / np.float32(temperature), head.biases / np.float32(temperature))
    likelihoods = scaled.probabilities(inputs)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(likelihoods, 1e-9)).mean())
