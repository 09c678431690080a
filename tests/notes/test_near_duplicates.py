"""Near-duplicates are found by their words and by their embeddings, and different notes are not."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from notes.commands import notes
from notes.near_duplicates import (
    Located,
    Vectors,
    duplicates_between,
    duplicates_within,
    embed_texts,
    folded_words,
)
from tests.notes.test_reader import NOTE, VOICE, write


def place(*texts: str, voice: str = "a") -> list[Located]:
    return [Located(voice, number, text) for number, text in enumerate(texts, 1)]


def embed_angles(texts: Sequence[str]) -> Vectors:
    """Read a text as an angle in degrees, so that the cosine of two texts is that of the difference."""
    angles = np.radians([float(text) for text in texts])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Call Mum, before Friday!", "call mum before friday"),
        ("Straße", "STRASSE"),
        ("caf\u00e9", "cafe\u0301"),
        ("...", " ... "),
    ],
)
def test_case_punctuation_and_encoding_do_not_make_a_note_different(text: str, same: str) -> None:
    assert folded_words(text) == folded_words(same)
    assert len(duplicates_within(place(text, "Buy milk", same))) == 1


def test_other_words_make_a_note_different() -> None:
    assert duplicates_within(place("Call mum before Friday", "Call mum before Monday", "!!!", "???")) == []


@given(st.lists(st.integers(0, 89), min_size=1, max_size=30), st.integers(1, 45))
def test_the_pairs_within_a_threshold_are_found_once_each(angles: list[int], width: int) -> None:
    threshold = float(np.cos(np.radians(width + 0.5)))
    pairs = duplicates_within(place(*map(str, angles)), embed_angles, threshold)
    expected = {
        (first + 1, second + 1)
        for first in range(len(angles))
        for second in range(first + 1, len(angles))
        if abs(angles[first] - angles[second]) <= width
    }
    assert sorted((pair.first.number, pair.second.number) for pair in pairs) == sorted(expected)


def embed_at_random(texts: Sequence[str]) -> Vectors:
    """Give each number a different direction: no two of 1,500 in 64 dimensions have a cosine of 0.9."""
    rows = np.stack([np.random.default_rng(int(text)).normal(size=64) for text in texts])
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def test_more_notes_than_one_block_are_compared_with_all_others() -> None:
    texts = [*map(str, range(1500)), "3", "1499"]
    pairs = duplicates_within(place(*texts), embed_at_random, 0.9)
    assert [(pair.first.number, pair.second.number) for pair in pairs] == [(4, 1501), (1500, 1502)]


def test_pairs_between_two_sets_leave_out_pairs_inside_a_set() -> None:
    first, second = place("10", "11", "40", voice="a"), place("41", "41.5", "80", voice="b")
    pairs = duplicates_between(first, second, embed_angles, float(np.cos(np.radians(2))))
    assert [(pair.first.text, pair.second.text) for pair in pairs] == [("40", "41"), ("40", "41.5")]


def test_the_same_words_are_found_even_where_the_embeddings_differ() -> None:
    def opposite(texts: Sequence[str]) -> Vectors:
        return np.asarray([[1, 0] if text.islower() else [0, 1] for text in texts], np.float32)

    [pair] = duplicates_between(place("Call mum"), place("call mum"), opposite, 0.9)
    assert pair.cosine == 1.0


SAME = [
    ("water is coming through the bathroom ceiling again", "water is coming through the kitchen ceiling again"),
    ("ashamed of how I snapped at the kids", "ashamed of how I shouted at the children"),
    ("podcast where people read their teenage diaries", "a podcast in which people read out their teenage diaries"),
    ("book the van for the move on the 14th", "hire a van for moving day, the 14th"),
    ("phone storage is always full", "laptop storage is always full"),
]
DIFFERENT = [
    ("Can you be homesick for a sentence", "Can a house be homesick"),
    ("do geckos know its tuesday?", "wonder if pigeons know it's a Tuesday"),
    ("my left knee since sunday's 5 a side: swollen, hot, wont bend past half",
     "Left leg's swollen to the knee, hot, shiny. His, not mine. Mine's just fat"),
    ("pay the window man, he's owed since Easter and too shy to ask",
     "Pay the piano tuner, he's owed since Lent, and he has the decency to whistle when we meet."),
]  # fmt: skip
"""The closest pairs that were found among notes of different lives."""


def test_the_threshold_separates_rewordings_from_the_closest_different_notes() -> None:
    assert len(duplicates_within(place(*[text for pair in SAME for text in pair]), embed_texts)) == len(SAME)
    assert duplicates_within(place(*[text for pair in DIFFERENT for text in pair]), embed_texts) == []


def test_embedding_in_batches_gives_each_text_the_vector_that_it_has_alone() -> None:
    texts = [f"note number {number} about the garden" for number in range(70)]
    vectors = embed_texts(texts)
    assert vectors.shape == (70, 384)
    for place_of in (0, 63, 64, 69):
        assert float(vectors[place_of] @ embed_texts([texts[place_of]])[0]) > 0.999
    assert embed_texts([]).shape == (0, 384)


def test_the_command_lists_the_pairs_and_fails(tmp_path: Path) -> None:
    first = write(tmp_path / "a.jsonl", VOICE | {"voice": "a"}, NOTE)
    second = write(tmp_path / "b.jsonl", VOICE | {"voice": "b"}, NOTE, json.loads(json.dumps(NOTE)))
    result = CliRunner().invoke(notes, ["duplicates", "--exact", str(first), str(second)])
    assert result.exit_code == 1
    assert "a 1: Call Isla before Friday about Otago  |  b 1: Call Isla" in result.output
    assert "3 notes, 3 pairs of near-duplicates" in result.output


def test_the_command_succeeds_without_pairs(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", VOICE, NOTE)
    result = CliRunner().invoke(notes, ["duplicates", "--exact", str(path)])
    assert result.exit_code == 0


def test_the_notes_of_the_repository_contain_no_note_twice() -> None:
    result = CliRunner().invoke(notes, ["duplicates", "--exact"])
    assert result.exit_code == 0, result.output
