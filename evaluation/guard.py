"""Refuses to score a provider on notes that its classifier may have learnt from."""

from collections.abc import Sequence

from notes.near_duplicates import Embed, duplicates_between, located
from notes.reader import Voice


class GuardError(Exception):
    """Raised when a set may not be scored. The message says what to change, and shows no note of the set."""


def check_apart(
    name: str, voices: Sequence[Voice], others: Sequence[Voice], others_name: str, embed: Embed | None = None
) -> None:
    """Check that a set shares no voice and no note with another one.

    Notes are the same when their words are; with `embed` also when they are near-duplicates. Raises GuardError.
    """
    shared = sorted({voice.name for voice in voices} & {voice.name for voice in others})
    if shared:
        raise GuardError(f"{name} and {others_name} share the voice {shared[0]}; remove it from one of the two sets")
    pairs = duplicates_between(located(voices), located(others), embed)
    if pairs:
        places = "; ".join(
            f"{pair.first.voice} {pair.first.number} = {pair.second.voice} {pair.second.number} ({pair.cosine:.3f})"
            for pair in pairs[:5]
        )
        raise GuardError(f"notes of {name} that are also in {others_name}: {len(pairs)}; remove them there: {places}")
