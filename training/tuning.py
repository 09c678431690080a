"""Tunes the encoder's last layers on the labelled notes, so that its vectors tell types, urgencies and tones apart.

Frozen vectors and a linear classifier were right about the type of 71% of the notes of voices that were left out, and
tuned ones of 78%; rounding the tuned weights to 4 bits loses nothing. More neighbours, n-grams of words and characters,
and a second encoder (MiniLM) were tried and gave at most 3 points.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import click
import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from agents.offline.classifier.heads import Field
from training.encoder import Array, drop, encode, pool, read_inputs, read_layer
from training.model_file import Floats, ModelFile
from training.tokenizer import Tokenizer

TUNED_LAYERS: Final = 4
"""The last layers, which are tuned. The lower ones stay, so each text passes them only once."""

MAX_PIECES: Final = 160
"""Pieces of a note that count, which few notes exceed."""

PREFIX: Final = "query: "
"""What the engine puts before each text."""

_EPOCHS: Final = 5
_BATCH: Final = 32
_LEARNING_RATE: Final = 3e-4
_HEAD_FACTOR: Final = 10
"""How much faster the heads learn, which start from nothing."""

_DROPOUT: Final = 0.1
_SCALE: Final = 20.0
"""Vectors have length 1; the heads see them this much longer."""

_SHUFFLED_BATCHES: Final = 16
"""Batches among which notes are sorted by length, so that little is padded."""

_WEIGHTS: Final[Mapping[Field, float]] = {"type": 1.0, "urgency": 1.0, "emotional_tone": 0.7}

_ENCODE: Final = jax.jit(encode)
_VECTORS: Final = jax.jit(lambda layers, hidden, mask: pool(encode(layers, hidden, mask), mask))

Parameters = dict[str, Any]
"""`layers`: a list of layers; `heads`: field -> weights and biases."""

Labels = Mapping[Field, NDArray[np.int64]]
"""Field -> the number of each note's label."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Notes of similar lengths."""

    rows: NDArray[np.int64]
    hidden: Floats
    mask: Floats


def lower_layers(model: ModelFile, texts: Sequence[str]) -> list[Floats]:
    """Return, for each text, its pieces after the layers that are not tuned (pieces, 384)."""
    tokenizer = Tokenizer(model.pieces)
    layers = [read_layer(model, number) for number in range(model.layers - TUNED_LAYERS)]
    inputs = [read_inputs(model, tokenizer.encode(PREFIX + text, MAX_PIECES)) for text in texts]
    hidden: list[Floats] = list(inputs)
    for batch in _batches(inputs, None):
        applied = np.asarray(_ENCODE(layers, batch.hidden, batch.mask))
        for place, row in enumerate(batch.rows):
            hidden[row] = applied[place, : len(inputs[row])]
    return hidden


def tune(model: ModelFile, hidden: Sequence[Floats], labels: Labels, classes: Mapping[Field, int]) -> Parameters:
    """Return the tuned layers and their heads. `classes` has the number of labels of each field.

    The same notes give the same weights on the same machine.
    """
    parameters = _initial(model, classes)
    steps = _EPOCHS * -(-len(hidden) // _BATCH)
    optimiser = _optimiser(parameters, steps)
    state = optimiser.init(parameters)
    key, shuffle = jax.random.PRNGKey(0), np.random.default_rng(0)

    @jax.jit
    def step(parameters: Parameters, state: Any, batch: Any, targets: Any, key: Array) -> Any:
        loss, gradients = jax.value_and_grad(_loss)(parameters, *batch, targets, key)
        updates, state = optimiser.update(gradients, state, parameters)
        return optax.apply_updates(parameters, updates), state, loss

    for epoch in range(1, _EPOCHS + 1):
        losses = []
        for batch in _batches(hidden, shuffle):
            key, step_key = jax.random.split(key)
            targets = {field: values[batch.rows] for field, values in labels.items()}
            parameters, state, loss = step(parameters, state, (batch.hidden, batch.mask), targets, step_key)
            losses.append(float(loss))
        click.echo(f"  epoch {epoch} of {_EPOCHS}: loss {np.mean(losses):.3f}")
    return parameters


def vectors(parameters: Parameters, hidden: Sequence[Floats]) -> Floats:
    """Return the vectors of the texts after the tuned layers (texts, 384)."""
    found = np.zeros((len(hidden), hidden[0].shape[1]), np.float32)
    for batch in _batches(hidden, None):
        found[batch.rows] = np.asarray(_VECTORS(parameters["layers"], batch.hidden, batch.mask))
    return found


def _initial(model: ModelFile, classes: Mapping[Field, int]) -> Parameters:
    generator = np.random.default_rng(0)
    heads = {
        field: {
            "w": jnp.asarray(generator.normal(0, 0.02, (model.width, count)).astype(np.float32)),
            "b": jnp.zeros(count),
        }
        for field, count in classes.items()
    }
    numbers = range(model.layers - TUNED_LAYERS, model.layers)
    return {"layers": [read_layer(model, number) for number in numbers], "heads": heads}


def _optimiser(parameters: Parameters, steps: int) -> optax.GradientTransformation:
    rate = optax.warmup_cosine_decay_schedule(0, _LEARNING_RATE, steps // 10, steps, _LEARNING_RATE / 50)
    groups = {
        "layers": optax.adamw(rate, weight_decay=0.01),
        "heads": optax.adamw(lambda step: rate(step) * _HEAD_FACTOR, weight_decay=0.01),
    }
    group_of = {name: jax.tree.map(lambda _, name=name: name, part) for name, part in parameters.items()}
    return optax.chain(optax.clip_by_global_norm(1.0), optax.multi_transform(groups, group_of))


def _loss(parameters: Parameters, hidden: Array, mask: Array, targets: Labels, key: Array) -> Array:
    encoder_key, head_key = jax.random.split(key)
    found = pool(encode(parameters["layers"], hidden, mask, encoder_key, _DROPOUT), mask)
    found = drop(found, _DROPOUT, head_key) * _SCALE
    losses = [
        weight
        * optax.softmax_cross_entropy_with_integer_labels(
            found @ parameters["heads"][field]["w"] + parameters["heads"][field]["b"], jnp.asarray(targets[field])
        ).mean()
        for field, weight in _WEIGHTS.items()
    ]
    return jnp.sum(jnp.stack(losses))


def _batches(hidden: Sequence[Floats], shuffle: np.random.Generator | None) -> Iterator[Batch]:
    """Yield the notes in batches of one size, whose last one is filled up with notes that were in it already."""
    lengths = np.array([len(values) for values in hidden])
    order = np.arange(len(hidden)) if shuffle is None else shuffle.permutation(len(hidden))
    rows: list[NDArray[np.int64]] = []
    for start in range(0, len(order), _BATCH * _SHUFFLED_BATCHES):
        group = order[start : start + _BATCH * _SHUFFLED_BATCHES]
        group = group[np.argsort(lengths[group], kind="stable")]
        rows += [group[first : first + _BATCH] for first in range(0, len(group), _BATCH)]
    if shuffle is not None:
        shuffle.shuffle(rows)
    for batch in rows:
        yield _padded(hidden, np.resize(batch, _BATCH))


def _padded(hidden: Sequence[Floats], rows: NDArray[np.int64]) -> Batch:
    longest = max(len(hidden[row]) for row in rows)
    length = -(-longest // 8) * 8 if longest <= 48 else -(-longest // 32) * 32  # few lengths, so few compilations
    padded = np.zeros((len(rows), length, hidden[0].shape[1]), np.float32)
    mask = np.zeros((len(rows), length), np.float32)
    for place, row in enumerate(rows):
        padded[place, : len(hidden[row])] = hidden[row]
        mask[place, : len(hidden[row])] = 1
    return Batch(rows, padded, mask)
