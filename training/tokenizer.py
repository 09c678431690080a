"""Splits a text into the pieces of the model's vocabulary, as the engine does (SentencePiece, unigram).

The engine does not return the pieces, and tuning needs them. A test compares the number of pieces of thousands of texts
with the engine's, and the vectors that follow from them.
"""

import re
from typing import Final

from training.model_file import Pieces

_SPACE: Final = "\u2581"
"""Stands for a space in the pieces."""

_UNKNOWN_PENALTY: Final = 10.0
"""How much lower an unknown character scores than the least likely piece."""


class Tokenizer:
    """Splits texts into ids of pieces."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._ids = {text.decode(): number for number, text in enumerate(pieces.texts) if text}
        self._scores: list[float] = pieces.scores.tolist()
        self._longest = max(map(len, self._ids))
        self._unknown_score = min(self._scores) - _UNKNOWN_PENALTY

    def encode(self, text: str, limit: int) -> list[int]:
        """Return the ids of a text's first `limit` pieces, between the marks of begin and end."""
        return [self._pieces.begin, *self._split(self._normalise(text))[:limit], self._pieces.end]

    def _normalise(self, text: str) -> str:
        replaced = self._pieces.replaced
        spaced = re.sub(" {2,}", " ", "".join(replaced.get(character, character) for character in text))
        return ("" if spaced.startswith(" ") else _SPACE) + spaced.replace(" ", _SPACE)

    def _split(self, text: str) -> list[int]:
        """Return the most likely pieces (Viterbi)."""
        best: list[tuple[float, int, int]] = [(0.0, 0, 0)] + [(float("-inf"), 0, 0)] * len(text)
        for start in range(len(text)):
            score = best[start][0]
            for end in range(start + 1, min(len(text), start + self._longest) + 1):
                piece = self._ids.get(text[start:end])
                if piece is not None and piece != self._pieces.unknown and score + self._scores[piece] > best[end][0]:
                    best[end] = (score + self._scores[piece], start, piece)
            if score + self._unknown_score > best[start + 1][0]:
                best[start + 1] = (score + self._unknown_score, start, self._pieces.unknown)
        return self._walk_back(best)

    def _walk_back(self, best: list[tuple[float, int, int]]) -> list[int]:
        ids: list[int] = []
        end = len(best) - 1
        while end > 0:
            _, end, piece = best[end]
            ids.append(piece)
        return ids[::-1]
