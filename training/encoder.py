"""The encoder of multilingual-e5-small (BERT with 12 layers) in JAX, for computing gradients.

Weights are kept as floats and rounded to 4 bits in every forward pass, because the engine computes with 4 bits; the
gradient passes through the rounding unchanged.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from training.model_file import BLOCK, Floats, ModelFile

Array = jax.Array
Layer = Mapping[str, Array]

MATRICES: Final = {
    "q.w": (384, 384), "k.w": (384, 384), "v.w": (384, 384), "ao.w": (384, 384), "fi.w": (1536, 384),
    "fo.w": (384, 1536),
}  # fmt: skip
"""The 4-bit tensors of a layer -> their shapes (outputs, inputs)."""

NAMES: Final = (
    "q.w", "q.b", "k.w", "k.b", "v.w", "v.b", "ao.w", "ao.b", "aln.w", "aln.b", "fi.w", "fi.b", "fo.w", "fo.b", "oln.w",
    "oln.b",
)  # fmt: skip
"""All tensors of a layer."""

HEADS: Final = 12
HEAD_WIDTH: Final = 32
_EPSILON: Final = 1e-12
_HIDDEN: Final = -1e9


def read_layer(model: ModelFile, number: int) -> dict[str, Array]:
    """Return the tensors of a layer, counted from 0."""
    return {name: jnp.asarray(model.floats(f"l{number}.{name}").reshape(MATRICES.get(name, (-1,)))) for name in NAMES}


def read_inputs(model: ModelFile, ids: list[int]) -> Floats:
    """Return the input vectors of a text's pieces: the piece, its position and the type, normalised."""
    words = model.word_vectors(np.asarray(ids))
    positions = model.floats("emb.pos").reshape(-1, model.width)[: len(ids)]
    summed = words + positions + model.floats("emb.type")[: model.width]
    return np.asarray(_normalise(jnp.asarray(summed), model.floats("emb.ln.w"), model.floats("emb.ln.b")))


def encode(
    layers: Sequence[Layer], hidden: Array, mask: Array, key: Array | None = None, dropout: float = 0.0
) -> Array:
    """Apply layers to a batch (texts, pieces, 384). `mask` is 1 where a text has a piece. `key` turns dropout on."""
    keys = [None] * len(layers) if key is None else list(jax.random.split(key, len(layers)))
    for layer, layer_key in zip(layers, keys, strict=True):
        hidden = _apply_layer(layer, hidden, mask, layer_key, dropout)
    return hidden


def pool(hidden: Array, mask: Array) -> Array:
    """Return the vectors of the texts: the mean of their pieces, with length 1."""
    mean = (hidden * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
    return jnp.asarray(mean / jnp.linalg.norm(mean, axis=-1, keepdims=True))


def drop(values: Array, share: float, key: Array | None) -> Array:
    """Set a share of the values to 0 and raise the others, so that the mean stays."""
    if key is None:
        return values
    return jnp.where(jax.random.bernoulli(key, 1 - share, values.shape), values / (1 - share), 0.0)


def _apply_layer(layer: Layer, hidden: Array, mask: Array, key: Array | None, dropout: float) -> Array:
    first, second = (None, None) if key is None else jax.random.split(key)
    attended = _project(layer, "ao", _attend(layer, hidden, mask))
    hidden = _normalise(hidden + drop(attended, dropout, first), layer["aln.w"], layer["aln.b"])
    widened = jax.nn.gelu(_project(layer, "fi", hidden), approximate=False)
    narrowed = _project(layer, "fo", widened)
    return _normalise(hidden + drop(narrowed, dropout, second), layer["oln.w"], layer["oln.b"])


def _attend(layer: Layer, hidden: Array, mask: Array) -> Array:
    query, key, value = (_split_heads(_project(layer, name, hidden)) for name in ("q", "k", "v"))
    scores = jnp.einsum("bhtd,bhsd->bhts", query, key) / HEAD_WIDTH**0.5
    weights = jax.nn.softmax(scores + (1 - mask[:, None, None, :]) * _HIDDEN, axis=-1)
    return jnp.einsum("bhts,bhsd->bhtd", weights, value).transpose(0, 2, 1, 3).reshape(hidden.shape)


def _split_heads(values: Array) -> Array:
    texts, pieces, _ = values.shape
    return values.reshape(texts, pieces, HEADS, HEAD_WIDTH).transpose(0, 2, 1, 3)


def _project(layer: Layer, name: str, values: Array) -> Array:
    return values @ _rounded(layer[f"{name}.w"]).T + layer[f"{name}.b"]


def _rounded(weights: Array) -> Array:
    """Return the weights as the file would hold them (`model_file.quantise`), with the gradient of the exact ones."""
    rows = weights.reshape(-1, BLOCK)
    largest = jnp.take_along_axis(rows, jnp.abs(rows).argmax(axis=1)[:, None], axis=1)
    scales = largest / -8
    inverse = jnp.where(scales != 0, 1 / jnp.where(scales == 0, 1, scales), 0)
    numbers = jnp.clip(jnp.round(rows * inverse + 8), 0, 15) - 8
    return weights + jax.lax.stop_gradient((numbers * scales).reshape(weights.shape) - weights)


def _normalise(values: Array, weight: Any, bias: Any) -> Array:
    mean = values.mean(axis=-1, keepdims=True)
    variance = ((values - mean) ** 2).mean(axis=-1, keepdims=True)
    return jnp.asarray((values - mean) * jax.lax.rsqrt(variance + _EPSILON) * weight + bias)
