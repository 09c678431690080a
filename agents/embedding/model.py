"""Names the embedding model, and what its cosines mean. Loads nothing.

The figures are measured on 22 pairs of paraphrases in five languages and on 3,000 notes of 18 voices. With the prefix
"query: " paraphrases have a cosine of at least 0.897 (median 0.951), two notes of one voice a median of 0.818 and of
two voices 0.802. With "passage: " notes of one voice are closer to paraphrases (99th percentile 0.904, not 0.886).
"""

from typing import Final

MODEL: Final = "multilingual-e5-small-q4:query"
"""Stored with each vector: vectors of different names are not comparable. Rename it with every change of the weights,
the prefix or MAX_LENGTH, and run `python -m agents embed`."""

DIMENSIONS: Final = 384

MAX_LENGTH: Final = 1_000
"""Characters of a text that are embedded, its beginning. They take 0.2 s, and time grows with the length."""

SIMILAR_FROM: Final = 0.88
"""The cosine from which two thoughts count as similar: all of the paraphrases, 2 in 100 pairs of notes of one voice,
most of which share a subject, and 1 in 1,000 of two voices."""

NEAR_FROM: Final = 0.93
"""The cosine from which a thought is offered as nearly the same: 4 in 5 of the paraphrases. Opposites reach 0.98, so
nothing but an equal text is ever answered with the results of another thought."""
