"""Tuning separates what the labels separate, and gives the same weights for the same notes."""

import numpy as np
import pytest

from agents.embedding.engine import model_path
from agents.offline.classifier.heads import LABELS
from notes.reader import read_set
from training import tuning
from training.data import Examples, examples
from training.model_file import ModelFile


@pytest.fixture(scope="module")
def few() -> Examples:
    found = examples(read_set("practice"))
    return Examples(found.voices[:32], found.notes[:32])


def test_tuning_lowers_the_loss_and_is_deterministic(few: Examples, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "_EPOCHS", 4)
    model = ModelFile(model_path())
    hidden = tuning.lower_layers(model, few.texts)
    classes = {field: len(labels) for field, labels in LABELS.items()}
    first, second = (tuning.tune(model, hidden, few.labels, classes) for _ in range(2))
    assert (tuning.vectors(first, hidden) == tuning.vectors(second, hidden)).all()
    untuned, tuned = tuning.vectors({"layers": _untouched(model)}, hidden), tuning.vectors(first, hidden)
    assert _separation(tuned, few) > _separation(untuned, few)


def _untouched(model: ModelFile) -> list[dict[str, object]]:
    from training.encoder import read_layer

    return [dict(read_layer(model, number)) for number in range(model.layers - tuning.TUNED_LAYERS, model.layers)]


def _separation(vectors: np.ndarray[tuple[int, ...], np.dtype[np.float32]], notes: Examples) -> float:
    """Return how much closer notes of one type are to each other than to those of other types."""
    same = notes.labels["type"][:, None] == notes.labels["type"][None, :]
    cosines = vectors @ vectors.T
    np.fill_diagonal(same, val=False)
    others = ~same & ~np.eye(len(same), dtype=bool)
    return float(cosines[same].mean() - cosines[others].mean())
