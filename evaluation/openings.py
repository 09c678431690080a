"""Records each use of the evaluation set, because a set that guides the development no longer measures it."""

import shutil
import subprocess
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

from evaluation.format import percent
from evaluation.scores import Scores
from evaluation.statistics import Share

OPENINGS_FILE: Final = Path(__file__).parent / "openings.md"

HEADER: Final = """\
# Openings of the evaluation set

`make eval SET=evaluation FINAL=1` appends a line here. The set is opened only for a final figure: after a look at it, a
change of the agents needs a new set.

| date | commit | provider | notes | type | urgency | tone | people found, invented | places found, invented | dates \
found, invented | falsely calm | falsely alarmed |
|---|---|---|---|---|---|---|---|---|---|---|---|
"""


def opening_line(day: date, commit: str, provider: str, scores: Scores) -> str:
    """Return the row of the table for one opening."""
    entities = [
        f"{_counts(score.recall)}, {len(score.invented)}"
        for score in (scores.entities[kind] for kind in ("people", "places", "dates"))
    ]
    fields = [percent(scores.fields[field].accuracy.value) for field in ("type", "urgency", "tone")]
    calm, alarmed = scores.priority.falsely_calm, scores.priority.falsely_alarmed
    cells = [day.isoformat(), commit, provider, str(scores.notes), *fields, *entities, _counts(calm), _counts(alarmed)]
    return f"| {' | '.join(cells)} |\n"


def record(line: str, path: Path = OPENINGS_FILE) -> None:
    """Append a line to the file, which gets its header first if it does not exist."""
    if not path.exists():
        path.write_text(HEADER)
    with path.open("a") as file:
        file.write(line)


def current_commit(folder: Path = OPENINGS_FILE.parent) -> str:
    """Return the abbreviated commit, with "+changes" when files differ from it; "unknown" outside a repository."""
    commit = _git(folder, ["rev-parse", "--short", "HEAD"])
    changes = _git(folder, ["status", "--porcelain", "--untracked-files=no"])
    return f"{commit}{'+changes' if changes else ''}" if commit else "unknown"


def _git(folder: Path, arguments: Sequence[str]) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    command = [git, "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 (constants)


def _counts(share: Share) -> str:
    return f"{share.cases} of {share.total}"
