"""The commands of `python -m training`."""

import json
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import click
import numpy as np

from agents.embedding.embedder import TUNED_LAYERS, Embedder, tuned_embedder
from agents.embedding.engine import model_path
from agents.offline.classifier.heads import HEADS_FILE, LABELS, Field, to_json
from agents.offline.classifier.inputs import encoder_text, text_inputs
from notes.reader import read_set
from training.augmentation import with_asides
from training.data import Examples, examples
from training.fitting import Floats, accuracies, calibrated, fit, fit_temperatures
from training.model_file import ModelFile
from training.patch import make_patch

TEMPERATURES_FILE: Final = Path(__file__).with_name("temperatures.json")
LEFT_OUT_EVERY: Final = 5
"""Every fifth voice, by name, is left out where the heads are calibrated."""

_CHUNK: Final = 64
"""Notes that a process gets at a time."""


@click.group()
def training() -> None:
    """Make the offline classifier from the labelled notes."""


@training.command()
def tune() -> None:
    """Tune the encoder, and calibrate on voices that are left out. Takes half an hour on two cores."""
    from training import tuning  # loads JAX

    model, notes = ModelFile(model_path()), examples(read_set("training"))
    classes = {field: len(labels) for field, labels in LABELS.items()}
    kept, left_out = notes.split(left_out_voices(notes))
    varied, more = kept.and_more(with_asides(kept)), notes.and_more(with_asides(notes))
    texts = list(dict.fromkeys([*varied.texts, *more.texts]))
    click.echo(f"Computing the lower layers of {len(texts)} notes and variants")
    hidden = dict(zip(texts, tuning.lower_layers(model, [encoder_text(text) for text in texts]), strict=True))

    click.echo(f"Tuning on {len(varied.notes)} notes, without the voices {', '.join(sorted(left_out_voices(notes)))}")
    parameters = tuning.tune(model, [hidden[text] for text in varied.texts], varied.labels, classes)
    inputs, out_inputs = (
        np.concatenate([tuning.vectors(parameters, [hidden[text] for text in part.texts]), signs(part)], axis=1)
        for part in (kept, left_out)
    )
    heads = fit(kept, inputs)
    temperatures = fit_temperatures(heads, left_out, out_inputs)
    _show("Right on the voices that were left out", accuracies(heads, left_out, out_inputs))
    TEMPERATURES_FILE.write_text(json.dumps(temperatures, indent=1) + "\n")

    click.echo(f"Tuning on all {len(more.notes)} notes and variants")
    parameters = tuning.tune(model, [hidden[text] for text in more.texts], more.labels, classes)
    make_patch(model, parameters["layers"]).write(TUNED_LAYERS)
    click.echo(f"Wrote {TUNED_LAYERS.name}; now run `make train`")


@training.command()
@click.option("--output", default=HEADS_FILE, type=click.Path(path_type=Path), help="Where to write the heads.")
def heads(output: Path) -> None:
    """Fit the heads on the tuned encoder and write them. The same notes give the same heads."""
    notes = examples(read_set("training"))
    inputs = embed(notes)
    fitted = fit(notes, inputs)
    _show("Right on the training notes", accuracies(fitted, notes, inputs))
    temperatures = json.loads(TEMPERATURES_FILE.read_text())
    stored = {field: to_json(head) for field, head in calibrated(fitted, temperatures).items()}
    output.write_text(json.dumps(stored, separators=(",", ":")) + "\n")
    click.echo(f"Wrote {output.name} from {len(notes.notes)} notes")


def embed(notes: Examples) -> Floats:
    """Return the inputs of the heads for these notes, one row each. Raises SystemExit where the encoder cannot run."""
    _encoder()
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
        found = processes.map(_embed_one, notes.texts, chunksize=_CHUNK)
        with click.progressbar(found, label="Embedding notes", length=len(notes.texts)) as progress:
            vectors = np.stack(list(progress))
    return np.concatenate([vectors, signs(notes)], axis=1)


def _embed_one(text: str) -> Floats:
    return _encoder().embed(encoder_text(text))


def _encoder() -> Embedder:
    encoder = tuned_embedder()
    if encoder is None:
        raise SystemExit("The encoder cannot run on this machine.")
    return encoder


def signs(notes: Examples) -> Floats:
    """Return what the heads see besides the vectors, one row for each note."""
    pairs = zip(notes.texts, notes.voices, strict=True)
    return np.stack([text_inputs(text, voice.now.date(), voice.timezone.key) for text, voice in pairs])


def left_out_voices(notes: Examples) -> frozenset[str]:
    """Return the names of the voices that are left out for the calibration."""
    names = sorted({voice.name for voice in notes.voices})
    return frozenset(names[LEFT_OUT_EVERY // 2 :: LEFT_OUT_EVERY])


def _show(title: str, shares: Mapping[Field, Any]) -> None:
    click.echo(f"{title}: " + ", ".join(f"{field} {share:.1%}" for field, share in shares.items()))
