"""The commands of `python -m notes`."""

from pathlib import Path
from typing import Final

import click

from notes.near_duplicates import NEAR, Located, Pair, duplicates_within, embed_texts, located
from notes.reader import SETS, NotesError, SetName, Voice, read_set, read_voice

UNSEEN: Final[SetName] = "evaluation"
"""The set whose texts are not printed, because it is opened only for the final figure."""


@click.group()
def notes() -> None:
    """Check the labelled notes."""


@notes.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--threshold", default=NEAR, show_default=True, type=click.FloatRange(0, 1), help="The lowest cosine.")
@click.option("--exact", is_flag=True, help="Compare words only, without embeddings, which takes no time.")
def duplicates(files: tuple[Path, ...], threshold: float, exact: bool) -> None:
    """Find near-duplicates within and across FILES, or all sets of the repository.

    The exit status is 1 when there are any. Embedding takes about 30 ms a note.
    """
    try:
        unseen = set() if files else {voice.name for voice in read_set(UNSEEN)}
        found = located(_read(files))
    except NotesError as error:
        raise click.ClickException(str(error)) from error
    pairs = duplicates_within(found, None if exact else embed_texts, threshold)
    for pair in sorted(pairs, key=lambda pair: -pair.cosine):
        click.echo(_describe(pair, unseen))
    click.echo(f"{len(found)} notes, {len(pairs)} {'pair' if len(pairs) == 1 else 'pairs'} of near-duplicates")
    click.get_current_context().exit(1 if pairs else 0)


def _read(files: tuple[Path, ...]) -> list[Voice]:
    if files:
        return [read_voice(path) for path in files]
    return [voice for name in SETS for voice in read_set(name)]


def _describe(pair: Pair, unseen: set[str]) -> str:
    return f"{pair.cosine:.3f}  {_place(pair.first, unseen)}  |  {_place(pair.second, unseen)}"


def _place(note: Located, unseen: set[str]) -> str:
    text = "(not shown)" if note.voice in unseen else note.text
    return f"{note.voice} {note.number}: {text}"
