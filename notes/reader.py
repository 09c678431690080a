"""Reads the labelled notes: one JSON Lines file for each voice, in one folder for each set.

The first line of a file describes the voice: who writes, in which language and time zone, and the moment at which all
of the notes are written. Each following line is one note with its labels.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

NOTES_FOLDER: Final = Path(__file__).parent

SetName = Literal["training", "practice", "evaluation"]
SETS: Final[tuple[SetName, ...]] = get_args(SetName)

NoteType = Literal["task", "problem", "idea", "question", "observation", "emotion"]
NoteUrgency = Literal["immediate", "soon", "eventually", "never"]
NoteTone = Literal["excited", "anxious", "frustrated", "neutral", "curious", "overwhelmed", "hopeful"]
TYPES: Final[tuple[NoteType, ...]] = get_args(NoteType)
URGENCIES: Final[tuple[NoteUrgency, ...]] = get_args(NoteUrgency)
"""From the most urgent to the least."""
TONES: Final[tuple[NoteTone, ...]] = get_args(NoteTone)

_VOICE_KEYS: Final = {"voice", "about", "language", "timezone", "now"}
_NOTE_KEYS: Final = {"text", "type", "urgency", "tone", "people", "places", "dates"}
_OPTIONAL_KEYS: Final = {"language"}

Label = TypeVar("Label", bound=str)


class NotesError(Exception):
    """Raised for a file that does not have the format. The message names the file and the line."""


@dataclass(frozen=True, slots=True)
class NotedDate:
    """An expression of a note that points at a calendar day, and that day."""

    quote: str
    day: date


@dataclass(frozen=True, slots=True)
class Note:
    """One note with its labels. People, places and the quotes of dates are exact substrings of the text."""

    text: str
    type: NoteType
    urgency: NoteUrgency
    tone: NoteTone
    people: tuple[str, ...]
    places: tuple[str, ...]
    dates: tuple[NotedDate, ...]
    language: str
    """The language code of this note, such as "en": its own, or that of the voice."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One writer and their notes, which are all written at the moment `now`."""

    name: str
    about: str
    language: str
    timezone: ZoneInfo
    now: datetime
    """In the time zone of the voice."""
    notes: tuple[Note, ...]


def read_set(name: SetName, folder: Path = NOTES_FOLDER) -> list[Voice]:
    """Return the voices of a set in the order of their file names. Raises NotesError."""
    return [read_voice(path) for path in sorted((folder / name).glob("*.jsonl"))]


def read_voice(path: Path) -> Voice:
    """Return the voice of one file. Raises NotesError."""
    (first, head), *rest = _objects(path)
    try:
        _check_keys(head, _VOICE_KEYS, set())
        timezone = ZoneInfo(_text(head, "timezone"))
        return Voice(
            name=_text(head, "voice"),
            about=_text(head, "about"),
            language=_text(head, "language"),
            timezone=timezone,
            now=_local_time(_text(head, "now"), timezone),
            notes=tuple(_note(path, number, line, _text(head, "language")) for number, line in rest),
        )
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise NotesError(f"{path.name}:{first}: {error}") from error


def _objects(path: Path) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the JSON objects of a file with their line numbers, counted from 1; the first describes the voice."""
    lines = path.read_text(encoding="utf-8").split("\n")
    objects = [(number, _object(path, number, line)) for number, line in enumerate(lines, 1) if line.strip()]
    if not objects:
        raise NotesError(f"{path.name}:1: the file is empty")
    return objects


def _object(path: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise NotesError(f"{path.name}:{number}: is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise NotesError(f"{path.name}:{number}: is not a JSON object")
    return value


def _note(path: Path, number: int, line: Mapping[str, Any], language: str) -> Note:
    try:
        _check_keys(line, _NOTE_KEYS, _OPTIONAL_KEYS)
        text = _text(line, "text")
        return Note(
            text=text,
            type=_label(line, "type", TYPES),
            urgency=_label(line, "urgency", URGENCIES),
            tone=_label(line, "tone", TONES),
            people=tuple(_quotes(line, "people", text)),
            places=tuple(_quotes(line, "places", text)),
            dates=tuple(_dates(line, text)),
            language=_text(line, "language") if "language" in line else language,
        )
    except (TypeError, ValueError) as error:
        raise NotesError(f"{path.name}:{number}: {error}") from error


def _check_keys(line: Mapping[str, Any], required: set[str], optional: set[str]) -> None:
    if missing := required - line.keys():
        raise ValueError(f"{', '.join(sorted(missing))} missing")
    if unknown := line.keys() - required - optional:
        raise ValueError(f"{', '.join(sorted(unknown))} unknown")


def _text(line: Mapping[str, Any], key: str) -> str:
    value = line[key]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key} must be a text that is not blank")
    return value


def _label(line: Mapping[str, Any], key: str, labels: tuple[Label, ...]) -> Label:
    found = [label for label in labels if label == line[key]]
    if not found:
        raise ValueError(f"{key} must be one of {', '.join(labels)}")
    return found[0]


def _quotes(line: Mapping[str, Any], key: str, text: str) -> Iterator[str]:
    for quote in _list(line, key):
        yield _quote(quote, key, text)


def _dates(line: Mapping[str, Any], text: str) -> Iterator[NotedDate]:
    for item in _list(line, "dates"):
        if not isinstance(item, list) or len(item) != 2 or not isinstance(item[1], str):
            raise ValueError("each of dates must be [quote, ISO day]")
        yield NotedDate(_quote(item[0], "dates", text), date.fromisoformat(item[1]))


def _list(line: Mapping[str, Any], key: str) -> list[Any]:
    value = line[key]
    if not isinstance(value, list):
        raise TypeError(f"{key} must be a list")
    return value


def _quote(value: Any, key: str, text: str) -> str:
    if not isinstance(value, str) or not value or value not in text:
        raise ValueError(f"{key}: {value!r} is not a part of the text")
    return value


def _local_time(value: str, timezone: ZoneInfo) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is not None:
        raise ValueError("now must be a local time without an offset; timezone says where")
    return moment.replace(tzinfo=timezone)
