"""The tokenizer and the encoder of the training compute what the engine computes."""

import random

import jax.numpy as jnp
import numpy as np
import pytest

from agents.embedding import engine as engine_module
from agents.embedding.engine import load, load_tuned, model_path
from notes.reader import read_set
from training import tuning
from training.encoder import NAMES, encode, pool, read_inputs, read_layer
from training.model_file import BLOCK, ModelFile, dequantise, quantise
from training.patch import make_patch
from training.tokenizer import Tokenizer

ODD = [
    "",
    " ",
    "  two  spaces ",
    "\U0001f600 ok",
    "na\u00efve caf\u00e9 \ufb01ne \u2460",
    "\u79c1\u306f\u75b2\u308c\u305f",
    "x" * 3000,
    "a\nb\tc",
    "\u200b",
    "\u05e9",
]


@pytest.fixture(scope="module")
def model() -> ModelFile:
    return ModelFile(model_path())


def texts(count: int) -> list[str]:
    notes = [note.text for name in ("practice", "training") for voice in read_set(name) for note in voice.notes]
    return random.Random(1).sample(notes, count)


def test_a_text_has_as_many_pieces_as_the_engine_counts(model: ModelFile) -> None:
    tokenizer, engine = Tokenizer(model.pieces), load()
    for text in [*texts(1000), *ODD]:
        assert len(tokenizer.encode(f"query: {text}", 100_000)) == engine.token_count(text, True), text


def test_the_vectors_are_those_of_the_engine(model: ModelFile) -> None:
    tokenizer = Tokenizer(model.pieces)
    layers = [read_layer(model, number) for number in range(model.layers)]
    sample = texts(5)
    expected = load().query(sample)
    for text, vector in zip(sample, expected, strict=True):
        inputs = jnp.asarray(read_inputs(model, tokenizer.encode(tuning.PREFIX + text, tuning.MAX_PIECES))[None])
        mask = jnp.ones(inputs.shape[:2])
        found = np.asarray(pool(encode(layers, inputs, mask), mask))[0]
        assert float(found @ vector) > 0.999


def test_quantised_weights_are_the_bytes_of_the_file_again(model: ModelFile) -> None:
    for name in ("l0.q.w", "l11.fo.w"):
        tensor = model.tensors[name]
        raw = model.data[tensor.start : tensor.start + tensor.length]
        assert quantise(dequantise(raw)) == raw
    assert not dequantise(quantise(np.zeros(BLOCK, np.float32))).any()


def test_the_engine_computes_with_tuned_layers_and_only_with_those_that_fit_its_file(model: ModelFile) -> None:
    text = "Call mum before Friday about the hospital bill"
    layer = {name: np.asarray(value) for name, value in read_layer(model, model.layers - 1).items()}
    same = make_patch(model, [layer])
    assert load_tuned(lambda: same).query([text]).tolist() == load().query([text]).tolist()
    changed = make_patch(model, [{**layer, "oln.b": layer["oln.b"] + 0.5}])
    assert float(load_tuned(lambda: changed).query([text])[0] @ load().query([text])[0]) < 0.99
    wrong = engine_module.TunedLayers(changed.start + 32, changed.replaced_sha256, changed.content[:-32])
    with pytest.raises(ValueError, match="do not fit"):
        load_tuned(lambda: wrong)


def test_every_layer_has_all_its_tensors(model: ModelFile) -> None:
    assert {f"l{number}.{name}" for number in range(model.layers) for name in NAMES} < model.tensors.keys()
