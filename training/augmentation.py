"""Adds copies of notes that say one thing more which matters to nothing, so that tuning learns to see past it.

The evaluation appends other sentences than these.
"""

import random
from dataclasses import replace
from typing import Final

from notes.reader import Note
from training.data import Examples

EVERY: Final = 6
"""Of this many notes, one is copied with an aside."""

_ASIDES: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "it's raining a bit", "The radio is on.", "Had soup for lunch.", "the bus is nearly empty",
        "Coffee's getting cold.",
        "It is a Tuesday kind of day.", "writing this on the train", "The neighbours are mowing.", "windy out",
        "My tea is green today.", "The clock says ten past.", "Sitting by the window.",
    ),
    "de": (
        "Es regnet ein bisschen.", "Das Radio läuft.", "draußen ist wind", "Sitze gerade am Fenster.",
        "der Kaffee ist kalt",
    ),
    "fr": (
        "Il pleut un peu.", "La radio est allumée.", "il y a du vent", "Je suis assise près de la fenêtre.",
        "le café est froid",
    ),
    "es": ("Llueve un poco.", "La radio está puesta.", "hace viento", "Estoy junto a la ventana.", "el café está frío"),
    "pt": (
        "Está chovendo um pouco.", "O rádio está ligado.", "tem vento lá fora", "Estou perto da janela.",
        "o café esfriou",
    ),
}  # fmt: skip


def with_asides(notes: Examples) -> Examples:
    """Return copies of every EVERY-th note with an aside in its language, before or after it."""
    chosen = list(zip(notes.voices, notes.notes, strict=True))[::EVERY]
    generator = random.Random(0)  # noqa: S311 - no secret
    copies = tuple(replace(note, text=_with_aside(note, generator)) for _, note in chosen)
    return Examples(tuple(voice for voice, _ in chosen), copies)


def _with_aside(note: Note, generator: random.Random) -> str:
    aside = generator.choice(_ASIDES.get(note.language, _ASIDES["en"]))
    text = note.text if note.text.rstrip()[-1:] in ".!?\u2026" else f"{note.text.rstrip()}."
    return f"{text} {aside}" if generator.random() < 0.8 else f"{aside.rstrip('.')}. {note.text}"
