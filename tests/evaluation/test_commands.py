"""`python -m evaluation` prints the scores of a set, and opens the final set only on purpose."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from evaluation import commands
from evaluation.commands import evaluation
from evaluation.guard import GuardError
from notes.reader import SetName, Voice, read_set
from tests.evaluation.notes_and_providers import note, voice
from tests.notes.test_reader import NOTE, VOICE, write

Run = Callable[..., Result]

EVALUATION_VOICE = voice(
    note("Smoke in the hall", type="problem", urgency="immediate"),
    note("Call Zebedee", people=("Zebedee",)),
    name="unseen",
)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command with the default provider, outside the folder of a developer's .env file.

    The set `evaluation` is replaced by a small one, and the record of openings by a file of the test.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AI_PROVIDER", raising=False)

    def sets(name: SetName) -> list[Voice]:
        return [EVALUATION_VOICE] if name == "evaluation" else read_set(name)[:1]

    monkeypatch.setattr(commands, "read_set", sets)
    monkeypatch.setattr(commands, "record", lambda line: (tmp_path / "openings.md").write_text(line))
    return lambda *arguments: CliRunner().invoke(evaluation, [str(argument) for argument in arguments])


def test_the_practice_set_is_scored_with_every_figure(run: Run, tmp_path: Path) -> None:
    result = run("--limit", 6, "--json", tmp_path / "scores.json")
    assert result.exit_code == 0, result.output
    for text in ("6 notes", "type", "people", "days:", "falsely calm", "falsely alarmed", "tau-b", "metamorphic test"):
        assert text in result.output
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["notes"] == 6
    assert scores["fields"]["urgency"]["accuracy"]["total"] == 6
    assert len(scores["metamorphic"]) == 8


def test_the_notes_of_a_limit_are_spread_over_the_set() -> None:
    voices = [voice(note("a"), note("b"), name="x"), voice(note("c"), note("d"), name="y")]
    assert [written.text for _, written in commands._selected(voices, 2)] == ["a", "c"]
    assert [written.text for _, written in commands._selected(voices, None)] == ["a", "b", "c", "d"]
    assert [written.text for _, written in commands._selected(voices, 9)] == ["a", "b", "c", "d"]


def test_files_are_scored_instead_of_a_set(run: Run, tmp_path: Path) -> None:
    first = write(tmp_path / "a.jsonl", VOICE | {"voice": "a"}, NOTE)
    second = write(tmp_path / "b.jsonl", VOICE | {"voice": "b"}, NOTE | {"language": "de"})
    result = run("--file", first, "--file", second, "--no-metamorphic")
    assert result.exit_code == 0, result.output
    assert "a.jsonl, b.jsonl, answered by offline" in result.output
    assert "voice  notes" in result.output
    assert "language  notes" in result.output
    assert "metamorphic tests: not run" in result.output


@pytest.mark.parametrize(
    "arguments",
    [["--set", "evaluation"], ["--final"], ["--set", "evaluation", "--final", "--limit", "1"],
     ["--set", "evaluation", "--final", "--no-metamorphic"], ["--set", "training"]],
)  # fmt: skip
def test_the_evaluation_set_is_not_opened_by_accident(run: Run, tmp_path: Path, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "notes" not in result.stdout
    assert not (tmp_path / "openings.md").exists()


def test_a_file_of_the_evaluation_set_is_not_scored_alone(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "NOTES_FOLDER", tmp_path)
    result = run("--file", write(tmp_path / "evaluation" / "v.jsonl", VOICE, NOTE))
    assert result.exit_code == 2
    assert "scored together only" in result.output


def without_embeddings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "embed_texts", None)


def test_a_final_figure_is_recorded_and_shows_no_note(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_embeddings(monkeypatch)
    result = run("--set", "evaluation", "--final", "--json", tmp_path / "scores.json")
    assert result.exit_code == 0, result.output
    assert "2 notes" in result.output
    for hidden in ("Zebedee", "Smoke"):
        assert hidden not in result.output + (tmp_path / "scores.json").read_text()
    assert " | 2 | " in (tmp_path / "openings.md").read_text()


def test_a_final_figure_compares_the_set_by_embedding_first(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[Any] = []

    def embed(texts: list[str]) -> Any:
        compared.append(texts)
        raise GuardError("stopped")

    monkeypatch.setattr(commands, "embed_texts", embed)
    result = run("--set", "evaluation", "--final")
    assert (result.exit_code, compared) == (1, [[written.text for written in EVALUATION_VOICE.notes]])


def test_a_voice_of_the_training_set_is_refused(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "read_set", lambda _: [voice(note("x"), name="farm_vet")])
    result = run("--file", write(tmp_path / "v.jsonl", VOICE, NOTE))
    assert result.exit_code == 1
    assert "share the voice farm_vet" in result.output


def test_a_malformed_file_is_refused_in_one_line(run: Run, tmp_path: Path) -> None:
    result = run("--file", write(tmp_path / "v.jsonl", VOICE, NOTE | {"type": "errand"}))
    assert result.exit_code == 1
    assert "Error: v.jsonl:2: type must be one of" in result.output


def test_a_provider_that_is_not_configured_is_refused_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_PROVIDER", "openai")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    result = run("--limit", "1")
    assert result.exit_code == 1
    assert "Cannot start." in result.output


def test_any_provider_can_be_scored(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_PROVIDER", "scripted")
    monkeypatch.setenv("ALLOW_SCRIPTED", "true")
    result = run("--limit", "4", "--no-metamorphic")
    assert result.exit_code == 0, result.output
    assert "answered by scripted:" in result.output


def test_a_note_that_fails_is_left_out_and_reported(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_PROVIDER", "scripted")
    monkeypatch.setenv("ALLOW_SCRIPTED", "true")
    failing = NOTE | {"text": "[[fail:classification:permanent:*]] Isla before Friday about Otago"}
    result = run("--file", write(tmp_path / "v.jsonl", VOICE, failing, NOTE), "--no-metamorphic")
    assert result.exit_code == 0, result.output
    assert "Failed and left out: 1. The first: " in result.output
