"""Embeds texts with one model per process, loaded at the first use.

The engine computes in buffers that all threads share, so a lock admits one call at a time.
"""

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agents.embedding.engine import TunedLayers, is_available, load, load_tuned
from agents.embedding.model import DIMENSIONS, MAX_LENGTH, MODEL

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TUNED_LAYERS: Final = Path(__file__).with_name("tuned_layers.bin")
"""What `make tune` made of the last layers, for telling types, urgencies and tones apart."""

LOCK_SECONDS: Final = 2.0
"""How long a call waits for the calls of other threads, each of which takes 10 to 200 ms."""


MAX_KEPT: Final = 512
"""Vectors of single texts that are kept, 2 kB each: a thought's is needed by several steps, a profile's by many
thoughts."""


class EmbeddingError(Exception):
    """Raised when a text cannot be embedded now. The caller continues without the vector."""


class Embedder:
    """Embeds texts with one model. Thread-safe. `load` loads the engine at the first use."""

    def __init__(self, model: str = MODEL, load: Callable[[], Any] = load) -> None:
        self.model: Final = model
        self.failures = 0
        """How many calls ended with an error."""
        self._load = load
        self._lock = threading.Lock()
        self._engine: Any = None
        self._kept: dict[str, NDArray[np.float32]] = {}

    def embed(self, text: str) -> "NDArray[np.float32]":
        """Return the vector of a text, of DIMENSIONS numbers and length 1. Only its first MAX_LENGTH characters count.

        The first call loads the model. Raises EmbeddingError when the engine fails or other threads keep it busy.
        """
        prepared = _prepared(text)
        vector = self._kept.get(prepared)
        if vector is None:
            vector = self._kept[prepared] = self.embed_all([prepared])[0]
            while len(self._kept) > MAX_KEPT:
                self._kept.pop(next(iter(self._kept)), None)
        return vector

    def embed_all(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return the vectors of several texts as the rows of an array. Raises EmbeddingError as `embed` does."""
        try:
            return self._embed_all(texts)
        except EmbeddingError:
            self.failures += 1
            raise

    def _embed_all(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        if not self._lock.acquire(timeout=LOCK_SECONDS):
            raise EmbeddingError(f"the model was busy for {LOCK_SECONDS:g} s")
        try:
            if self._engine is None:
                self._engine = self._load()
            vectors: NDArray[np.float32] = self._engine.query([_prepared(text) for text in texts])
        except Exception as error:  # the boundary to the engine, whose errors have no common class
            raise EmbeddingError(f"the model failed: {error}") from error
        finally:
            self._lock.release()
        if vectors.shape != (len(texts), DIMENSIONS):
            raise EmbeddingError(f"the model returned {vectors.shape} numbers instead of {DIMENSIONS} a text")
        return vectors


def load_tuned_engine() -> Any:
    """Load the engine with the tuned layers of this package."""
    return load_tuned(lambda: TunedLayers.read(TUNED_LAYERS))


class _OfProcess:
    """The embedders of this process. A forked process starts with new ones, because a lock may be held at the fork."""

    similarity: Embedder
    classification: Embedder

    @classmethod
    def renew(cls) -> None:
        cls.similarity = Embedder()
        cls.classification = Embedder("multilingual-e5-small-q4:tuned", load_tuned_engine)


_OfProcess.renew()
os.register_at_fork(after_in_child=_OfProcess.renew)


def embedder() -> Embedder | None:
    """Return the embedder for similarity, or None where its package or processor is missing. Loads nothing yet."""
    return _OfProcess.similarity if is_available() else None


def tuned_embedder() -> Embedder | None:
    """Return the embedder for the classifier, or None where it cannot run. Its vectors mean nothing as similarities."""
    return _OfProcess.classification if is_available() else None


def count_failures() -> int:
    """Return how many calls of this process's embedders ended with an error. It only rises."""
    return _OfProcess.similarity.failures + _OfProcess.classification.failures


def _prepared(text: str) -> str:
    """Return the part of a text that is embedded, as the engine's C strings can hold it."""
    return text[:MAX_LENGTH].replace("\0", " ").encode(errors="replace").decode()
