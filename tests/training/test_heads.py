"""The committed heads are what `make train` makes of the committed notes."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from agents.offline.classifier.heads import FIELDS, HEADS_FILE, Head, from_json
from notes.reader import read_set
from training.commands import embed, training
from training.data import examples
from training.fitting import calibrated, fit, fit_temperatures

MOST_DIFFERENT = 0.005
"""The share of notes that may be judged otherwise, because processors round the encoder's sums differently."""


@pytest.mark.timeout(900)
def test_training_again_gives_the_committed_heads(tmp_path: Path) -> None:
    output = tmp_path / "heads.json"
    result = CliRunner().invoke(training, ["heads", "--output", str(output)])
    assert result.exit_code == 0, result.output
    notes = examples(read_set("practice"))
    inputs = embed(notes)
    committed, again = (json.loads(path.read_text()) for path in (HEADS_FILE, output))
    for field in FIELDS:
        first, second = (from_json(stored[field]).probabilities(inputs) for stored in (committed, again))
        assert np.abs(first - second).max() < 0.02
        assert (first.argmax(axis=1) != second.argmax(axis=1)).mean() <= MOST_DIFFERENT


def test_the_temperature_makes_the_confidences_of_overconfident_heads_true() -> None:
    notes = examples(read_set("practice"))
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(len(notes.notes), 8)).astype(np.float32)
    heads = {field: Head(head.weights * 10, head.biases * 10) for field, head in fit(notes, inputs).items()}
    temperatures = fit_temperatures(heads, notes, inputs)
    for field, head in calibrated(heads, temperatures).items():
        assert temperatures[field] > 1
        right = (head.probabilities(inputs).argmax(axis=1) == notes.labels[field]).mean()
        before, after = (each.probabilities(inputs).max(axis=1).mean() for each in (heads[field], head))
        assert abs(after - right) < abs(before - right) - 0.1
