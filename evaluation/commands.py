"""The command of `python -m evaluation`."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from agents.errors import AgentError, ProviderConfigError, ServiceError
from agents.selection import make_provider
from contracts.settings import SettingsError, load_model_settings
from evaluation.as_json import as_json
from evaluation.guard import GuardError, check_apart
from evaluation.metamorphic.checks import Violations, check_relations
from evaluation.openings import current_commit, opening_line, record
from evaluation.outcomes import Outcome
from evaluation.report import render
from evaluation.runner import Runner
from evaluation.scores import Scores, score
from notes.near_duplicates import embed_texts
from notes.reader import NOTES_FOLDER, Note, NotesError, SetName, Voice, read_set, read_voice

FINAL_SET: Final[SetName] = "evaluation"
ALL_EXAMPLES: Final = 1_000_000


@click.command()
@click.option("--set", "set_name", type=click.Choice(["practice", FINAL_SET]), default="practice", show_default=True)
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Score the notes of this file instead of a set. Can be repeated.",
)
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the scores here too.")
@click.option("--limit", type=click.IntRange(min=1), help="Score only so many notes, spread over all of them.")
@click.option("--final", is_flag=True, help=f"Open the set {FINAL_SET}, which is recorded in evaluation/openings.md.")
@click.option("--examples", default=3, show_default=True, type=click.IntRange(min=0), help="Texts shown of each kind.")
@click.option(
    "--metamorphic/--no-metamorphic",
    default=None,
    help="Also run rewritten notes, about 15 calls for each note. By default only when no model service is called.",
)
def evaluation(
    set_name: SetName,
    files: tuple[Path, ...],
    json_file: Path | None,
    limit: int | None,
    final: bool,
    examples: int,
    metamorphic: bool | None,
) -> None:
    """Score the provider that AI_PROVIDER selects on labelled notes.

    The set `practice` is for every day. The set `evaluation` needs --final, and shows figures only.
    """
    if not _opens_final_set(set_name, files, final=final):
        examples_in_json = ALL_EXAMPLES
    elif limit or metamorphic is not None:
        raise click.UsageError("a final figure is of the whole set, with the default tests")
    else:
        examples = examples_in_json = 0
    runner = _make_runner()
    voices = _read_voices(set_name, files)
    outcomes, failures = _analyse(runner, _selected(voices, limit))
    if not outcomes:
        raise click.ClickException(f"no note was analysed: {failures[0]}")
    scores = score(outcomes)
    violations = _check(runner, outcomes, metamorphic)
    provider = _provider_name(outcomes)
    source = (
        f"the voices of {len(files)} files" if len(files) > 3 else ", ".join(path.name for path in files) or set_name
    )
    title = f"{source}, answered by {provider}"
    click.echo(render(title, scores, violations, examples))
    if failures:
        click.echo(f"\nFailed and left out: {len(failures)}. The first: {failures[0]}")
    if json_file:
        scored = as_json(scores, violations, examples_in_json)
        json_file.write_text(
            json.dumps({"set": title, "failed": len(failures), **scored}, indent=1, ensure_ascii=False)
        )
    if final:
        _record(provider, scores)


def _opens_final_set(set_name: SetName, files: Sequence[Path], *, final: bool) -> bool:
    """Return whether the final set is opened. Raises UsageError for one of --set evaluation and --final alone."""
    if any(path.resolve().is_relative_to(NOTES_FOLDER / FINAL_SET) for path in files):
        raise click.UsageError(f"the files of the set {FINAL_SET} are scored together only, with --set and --final")
    if final != (set_name == FINAL_SET and not files):
        raise click.UsageError(f"--final and --set {FINAL_SET} belong together: the set is for final figures only")
    return final


def _make_runner() -> Runner:
    try:
        settings = load_model_settings()
        return Runner(make_provider(settings), settings.agent_timeout_seconds)
    except (SettingsError, ProviderConfigError) as error:
        raise click.ClickException(f"Cannot start. {error}") from None


def _read_voices(set_name: SetName, files: Sequence[Path]) -> list[Voice]:
    """Return the voices, after a check that they are apart from the training set.

    The embedding of all sets takes minutes, so that it is compared only before a final figure. In daily work the words
    are, and `python -m notes duplicates` compares all sets.
    """
    embed = embed_texts if set_name == FINAL_SET and not files else None
    try:
        voices = [read_voice(path) for path in files] if files else read_set(set_name)
        if not any(voice.notes for voice in voices):
            raise click.ClickException(f"the set {set_name} has no notes")
        check_apart(set_name, voices, read_set("training"), "training", embed)
        if embed:
            check_apart(set_name, voices, read_set("practice"), "practice", embed)
    except (NotesError, GuardError) as error:
        raise click.ClickException(str(error)) from error
    return voices


def _selected(voices: Sequence[Voice], limit: int | None) -> list[tuple[Voice, Note]]:
    """Return the notes, or `limit` of them at equal distances."""
    notes = [(voice, note) for voice in voices for note in voice.notes]
    count = min(limit or len(notes), len(notes))
    return [notes[number * len(notes) // count] for number in range(count)]


def _analyse(runner: Runner, notes: Sequence[tuple[Voice, Note]]) -> tuple[list[Outcome], list[str]]:
    """Return the outcomes, and one line about each note that failed."""
    outcomes: list[Outcome] = []
    failures: list[str] = []
    with click.progressbar(notes, label="Analysing the notes", **_progress()) as bar:
        for voice, note in bar:
            try:
                outcomes.append(runner.analyse(voice, note))
            except ServiceError as error:
                raise click.ClickException(f"the model service does not answer: {error}") from error
            except AgentError as error:
                failures.append(str(error))
    return outcomes, failures


def _check(runner: Runner, outcomes: Sequence[Outcome], metamorphic: bool | None) -> list[Violations] | None:
    if not (not runner.calls_a_model if metamorphic is None else metamorphic):
        return None
    with click.progressbar(length=len(outcomes), label="Analysing the rewritten notes", **_progress()) as bar:
        try:
            return check_relations(runner, outcomes, lambda: bar.update(1))
        except AgentError as error:
            click.echo(f"The metamorphic tests stopped: {error}", err=True)
            return None


def _progress() -> dict[str, Any]:
    """Return where progress is shown: only to a person at a terminal."""
    return {"file": sys.stderr, "hidden": not sys.stderr.isatty()}


def _provider_name(outcomes: Sequence[Outcome]) -> str:
    """Return the providers, models and versions that answered, each once."""
    results = [result for outcome in outcomes for result in outcome.results.values()]
    return ", ".join(
        dict.fromkeys(f"{result.provider}:{result.model} (version {result.version})" for result in results)
    )


def _record(provider: str, scores: Scores) -> None:
    record(opening_line(datetime.now(UTC).date(), current_commit(), provider, scores))
    click.echo("\nRecorded in evaluation/openings.md; commit it.")
