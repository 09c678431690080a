"""The reader of the labelled notes returns what a file says, and names the line of what is wrong."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from agents.classification import ThoughtType, Tone, Urgency
from notes.reader import NOTES_FOLDER, SETS, TONES, TYPES, URGENCIES, NotedDate, NotesError, read_set, read_voice

VOICE = {
    "voice": "farm_vet", "about": "A vet.", "language": "en", "timezone": "Pacific/Auckland", "now": "2026-08-19T20:40",
}  # fmt: skip
NOTE = {
    "text": "Call Isla before Friday about Otago", "type": "task", "urgency": "soon", "tone": "neutral",
    "people": ["Isla"], "places": ["Otago"], "dates": [["Friday", "2026-08-21"]],
}  # fmt: skip


def write(path: Path, *lines: Mapping[str, Any] | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def test_a_file_becomes_a_voice_with_its_notes(tmp_path: Path) -> None:
    voice = read_voice(write(tmp_path / "farm_vet.jsonl", VOICE, NOTE))
    assert (voice.name, voice.about, voice.language) == ("farm_vet", "A vet.", "en")
    assert voice.now == datetime(2026, 8, 19, 20, 40, tzinfo=ZoneInfo("Pacific/Auckland"))
    [note] = voice.notes
    assert (note.type, note.urgency, note.tone, note.language) == ("task", "soon", "neutral", "en")
    assert (note.people, note.places) == (("Isla",), ("Otago",))
    assert note.dates == (NotedDate("Friday", date(2026, 8, 21)),)


def test_a_note_may_be_in_another_language_than_its_voice(tmp_path: Path) -> None:
    voice = read_voice(write(tmp_path / "v.jsonl", VOICE, NOTE, NOTE | {"language": "de"}))
    assert [note.language for note in voice.notes] == ["en", "de"]


def test_a_line_separator_inside_a_text_does_not_end_the_line(tmp_path: Path) -> None:
    line = json.dumps(NOTE | {"text": "Isla\u2028Otago Friday"}, ensure_ascii=False)
    voice = read_voice(write(tmp_path / "v.jsonl", VOICE, line))
    assert voice.notes[0].text == "Isla\u2028Otago Friday"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"type": "errand"}, "type must be one of task, "),
        ({"tone": None}, "tone must be one of"),
        ({"people": ["isla"]}, "people: 'isla' is not a part of the text"),
        ({"places": "Otago"}, "places must be a list"),
        ({"dates": [["Friday", "21 August"]]}, "Invalid isoformat"),
        ({"dates": [["Friday", "2026-02-30"]]}, "day"),
        ({"dates": ["Friday"]}, "each of dates must be"),
        ({"text": " "}, "text must be a text that is not blank"),
        ({"urgent": True}, "urgent unknown"),
    ],
)
def test_a_wrong_note_is_refused_with_its_line(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = write(tmp_path / "v.jsonl", VOICE, NOTE, NOTE | changes)
    with pytest.raises(NotesError, match=r"v\.jsonl:3: .*" + message):
        read_voice(path)


@pytest.mark.parametrize("key", sorted(NOTE))
def test_a_note_without_one_of_its_labels_is_refused(tmp_path: Path, key: str) -> None:
    path = write(tmp_path / "v.jsonl", VOICE, {name: value for name, value in NOTE.items() if name != key})
    with pytest.raises(NotesError, match=rf"v\.jsonl:2: {key} missing"):
        read_voice(path)


@pytest.mark.parametrize(
    "changes", [{"timezone": "Mars/Olympus"}, {"now": "2026-08-19T20:40+12:00"}, {"now": "yesterday"}, {"voice": ""}]
)
def test_a_wrong_voice_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = write(tmp_path / "v.jsonl", VOICE | changes, NOTE)
    with pytest.raises(NotesError, match=r"v\.jsonl:1: "):
        read_voice(path)


@pytest.mark.parametrize("content", ["", "\n", "no JSON\n", "[]\n"])
def test_a_file_without_a_voice_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "v.jsonl"
    path.write_text(content)
    with pytest.raises(NotesError, match=r"v\.jsonl:1: "):
        read_voice(path)


def test_a_set_has_its_voices_in_the_order_of_their_files(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write(tmp_path / "training" / f"{name}.jsonl", VOICE | {"voice": name}, NOTE)
    assert [voice.name for voice in read_set("training", tmp_path)] == ["a", "b"]
    assert read_set("evaluation", tmp_path) == []


@pytest.mark.parametrize("name", SETS)
def test_every_file_of_the_repository_is_well_formed(name: str) -> None:
    for voice in read_set(name):  # type: ignore[arg-type]
        assert voice.notes


def test_every_voice_of_the_repository_is_in_one_file_of_its_name() -> None:
    files = [path for name in SETS for path in (NOTES_FOLDER / name).glob("*.jsonl")]
    assert sorted(path.stem for path in files) == sorted({read_voice(path).name for path in files})


def test_the_labels_are_those_of_the_agents() -> None:
    assert (get_args(ThoughtType), get_args(Urgency), get_args(Tone)) == (TYPES, URGENCIES, TONES)
