"""Says how similar texts are in meaning, in many languages, with the embedding model of this process.

Similar texts are about the same subject. They may still say the opposite: "earn more than we spend" and "spend more
than we earn" are nearly as similar as a text and itself.
"""

from collections.abc import Sequence
from typing import Final

from agents.embedding.embedder import EmbeddingError, embedder

MAX_CHARACTERS: Final = 400
"""A longer text is compared by its beginning."""


def similarities(text: str, candidates: Sequence[str]) -> list[float] | None:
    """Return the cosine of the text with each candidate, or None when no model can embed them now."""
    if not candidates:
        return []
    model = embedder()
    if model is None:
        return None
    try:
        first, *others = (model.embed(each[:MAX_CHARACTERS]) for each in (text, *candidates))
    except EmbeddingError:
        return None
    return [round(float(first @ other), 3) for other in others]
