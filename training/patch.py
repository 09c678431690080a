"""Makes the file of tuned layers: the bytes that replace the end of the package's model file."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from agents.embedding.engine import TunedLayers
from training.encoder import NAMES
from training.model_file import ModelFile, quantise


def make_patch(model: ModelFile, layers: Sequence[Mapping[str, Any]]) -> TunedLayers:
    """Return the bytes of the last layers of the file with these weights in place of the package's."""
    numbers = range(model.layers - len(layers), model.layers)
    tensors = {(number, name): model.tensors[f"l{number}.{name}"] for number in numbers for name in NAMES}
    start = min(tensor.start for tensor in tensors.values())
    end = max(tensor.start + tensor.length for tensor in tensors.values())
    content = bytearray(model.data[start:end])
    for (number, name), tensor in tensors.items():
        values = np.asarray(layers[number - numbers.start][name], np.float32)
        raw = quantise(values) if tensor.is_four_bit else values.tobytes()
        if len(raw) != tensor.length:
            raise ValueError(f"l{number}.{name} has another size than in the file")
        content[tensor.start - start : tensor.start - start + tensor.length] = raw
    return TunedLayers(start, hashlib.sha256(model.data[start:end]).hexdigest(), bytes(content))
