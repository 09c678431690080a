"""The training notes as arrays: the numbers of their labels, and their voices."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from agents.offline.classifier.heads import FIELDS, LABELS, Field
from notes.reader import Note, Voice

_ATTRIBUTES = {"type": "type", "urgency": "urgency", "emotional_tone": "tone"}
"""Field of the classification -> attribute of a note."""


@dataclass(frozen=True)
class Examples:
    """Notes with the voices that wrote them, in the same order."""

    voices: tuple[Voice, ...]
    notes: tuple[Note, ...]

    @cached_property
    def texts(self) -> list[str]:
        return [note.text for note in self.notes]

    @cached_property
    def labels(self) -> dict[Field, NDArray[np.int64]]:
        """Field -> the number of each note's label."""
        return {field: np.array([_label(note, field) for note in self.notes]) for field in FIELDS}

    def and_more(self, others: "Examples") -> "Examples":
        """Return these notes and the others."""
        return Examples(self.voices + others.voices, self.notes + others.notes)

    def split(self, left_out: frozenset[str]) -> tuple["Examples", "Examples"]:
        """Return the notes of the other voices, and those of the voices that are left out."""
        kept = [voice.name not in left_out for voice in self.voices]
        return self._where(kept), self._where([not is_kept for is_kept in kept])

    def _where(self, chosen: list[bool]) -> "Examples":
        voices = tuple(voice for voice, is_chosen in zip(self.voices, chosen, strict=True) if is_chosen)
        return Examples(voices, tuple(note for note, is_chosen in zip(self.notes, chosen, strict=True) if is_chosen))


def examples(voices: list[Voice]) -> Examples:
    """Return the notes of these voices."""
    pairs = [(voice, note) for voice in voices for note in voice.notes]
    return Examples(tuple(voice for voice, _ in pairs), tuple(note for _, note in pairs))


def _label(note: Note, field: Field) -> int:
    return LABELS[field].index(getattr(note, _ATTRIBUTES[field]))
