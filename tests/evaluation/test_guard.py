"""A set that shares a voice or a note with another one is refused, and each opening of the final set is recorded."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from evaluation.guard import GuardError, check_apart
from evaluation.openings import HEADER, OPENINGS_FILE, current_commit, opening_line, record
from evaluation.scores import score
from notes.near_duplicates import Vectors
from tests.evaluation.notes_and_providers import RuleProvider, classified, note, outcome, voice


def test_sets_without_a_common_voice_or_note_are_apart() -> None:
    check_apart("evaluation", [voice(note("Call Leo"), name="a")], [voice(note("Call Maya"), name="b")], "training")


def test_a_voice_of_both_sets_is_refused() -> None:
    with pytest.raises(GuardError, match="evaluation and training share the voice a;"):
        check_apart("evaluation", [voice(note("x"), name="a")], [voice(note("y"), name="a")], "training")


def test_a_note_with_the_same_words_is_refused_without_its_text() -> None:
    voices, others = [voice(note("Buy milk"), note("Call Leo!"), name="a")], [voice(note("call leo"), name="b")]
    with pytest.raises(
        GuardError, match=r"notes of evaluation that are also in training: 1;.*a 2 = b 1 \(1\.000\)"
    ) as caught:
        check_apart("evaluation", voices, others, "training")
    assert "Leo" not in str(caught.value)


def test_a_near_duplicate_by_embedding_is_refused() -> None:
    def embed(texts: Sequence[str]) -> Vectors:
        return np.asarray([[1, 0] if "milk" in text else [0, 1] for text in texts], np.float32)

    voices, others = [voice(note("Buy milk"), name="a")], [voice(note("Get milk"), note("Call Leo"), name="b")]
    check_apart("evaluation", voices, others, "training")
    with pytest.raises(GuardError, match=r"a 1 = b 1"):
        check_apart("evaluation", voices, others, "training", embed)


def test_an_opening_is_one_line_with_the_figures() -> None:
    provider = RuleProvider(
        classification=classified(type="task", urgency="soon", emotional_tone="neutral"),
        priority=classified(priority_level="Low"),
    )
    scores = score([outcome(note("Smoke in the hall, call Leo", urgency="immediate", people=("Leo",)), provider)])
    line = opening_line(date(2026, 3, 2), "abc1234", "rule:rules (version 1)", scores)
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    assert cells[:7] == ["2026-03-02", "abc1234", "rule:rules (version 1)", "1", "100.0%", "0.0%", "100.0%"]
    assert cells[7] == "0 of 1, 1"
    assert cells[-2:] == ["1 of 1", "0 of 0"]
    assert len(cells) == HEADER.splitlines()[-1].count("---")


def test_openings_are_appended_below_the_header(tmp_path: Path) -> None:
    path = tmp_path / "openings.md"
    record("| first |\n", path)
    record("| second |\n", path)
    assert path.read_text() == f"{HEADER}| first |\n| second |\n"


def test_the_file_of_the_repository_begins_with_the_header() -> None:
    assert OPENINGS_FILE.read_text().startswith(HEADER)


def test_the_commit_is_that_of_the_repository(tmp_path: Path) -> None:
    assert current_commit().removesuffix("+changes").isalnum()
    assert current_commit(tmp_path) == "unknown"
