"""The embedder: what its cosines tell apart, one model per process, threads, forks, and machines without it."""

import logging
import math
import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import pytest

from agents.embedding import embedder as embedder_module
from agents.embedding import engine as engine_module
from agents.embedding.embedder import Embedder, EmbeddingError, embedder
from agents.embedding.engine import is_available
from agents.embedding.model import DIMENSIONS, MAX_LENGTH, NEAR_FROM, SIMILAR_FROM
from tests.agents.opposites import OPPOSITES

PARAPHRASES = (
    ("Call mum before Friday about the hospital bill", "Phone my mother about the invoice of the hospital by Friday"),
    ("I can't sleep because of the presentation on Monday", "Monday's talk is keeping me awake at night"),
    ("Should I learn Rust this winter?", "Thinking about picking up Rust over the winter months"),
    ("The kitchen tap is dripping again", "Our tap in the kitchen leaks once more"),
    ("My boss never listens in meetings", "In meetings my manager ignores what I say"),
    ("I feel lonely since Anna moved away", "Since Anna left town I have been feeling alone"),
    ("Ich muss endlich die Steuererkl\u00e4rung machen", "Die Steuererkl\u00e4rung muss ich jetzt wirklich erledigen"),
    ("Hay que llevar al perro al veterinario", "Tengo que llevar el perro a la veterinaria"),
)


@pytest.fixture
def forgotten_availability() -> Iterator[None]:
    is_available.cache_clear()
    yield
    is_available.cache_clear()


def cosine(first: str, second: str) -> float:
    vectors = Embedder().embed_all([first, second])
    return float(vectors[0] @ vectors[1])


@pytest.mark.parametrize("pair", PARAPHRASES, ids=lambda pair: pair[0][:30])
def test_paraphrases_are_similar(pair: tuple[str, str]) -> None:
    assert cosine(*pair) >= SIMILAR_FROM


def test_hardly_any_unrelated_texts_are_similar() -> None:
    vectors = Embedder().embed_all([first for first, _ in PARAPHRASES])
    similar = [float(a @ b) for a, b in combinations(vectors, 2) if float(a @ b) >= SIMILAR_FROM]
    assert len(similar) <= 1


def test_opposites_are_near_each_other_so_a_cosine_never_decides_about_a_result() -> None:
    near = [pair for pair in OPPOSITES if cosine(*pair) >= NEAR_FROM]
    assert len(near) >= 10


def test_a_vector_has_length_one_and_depends_only_on_the_beginning_of_a_long_text() -> None:
    model = Embedder()
    text = "I wonder what to do. " * 100
    vector = model.embed(text)
    assert vector.shape == (DIMENSIONS,)
    assert math.isclose(float(vector @ vector), 1, rel_tol=1e-4)
    assert (vector == model.embed(text[:MAX_LENGTH] + " Something else entirely.")).all()
    assert not (vector == model.embed("Something else entirely. " + text)).all()


@pytest.mark.parametrize("text", ["", " ", "\0", "a\0b", "\ud800", "\U0001f600", "x" * 20_000])
def test_any_text_has_a_vector(text: str) -> None:
    vector = Embedder().embed(text)
    assert all(map(math.isfinite, vector.tolist()))


def test_threads_share_one_model_and_get_the_vectors_of_their_own_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedder_module, "LOCK_SECONDS", 60)
    reference, model = Embedder(), Embedder()
    texts = [f"{first} {number}" for number, (first, _) in enumerate(PARAPHRASES * 3)]
    expected = [reference.embed(text).tolist() for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert [vector.tolist() for vector in pool.map(model.embed, texts)] == expected


def test_the_vectors_of_the_latest_texts_are_kept_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedder_module, "MAX_KEPT", 2)
    model = Embedder()
    first, second = model.embed("one"), model.embed("two")
    with model._lock:
        assert model.embed("two") is second
    model.embed("three")
    assert list(model._kept) == ["two", "three"]
    assert (model.embed("one") == first).all()


def test_a_model_that_stays_busy_is_an_error_after_a_bounded_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedder_module, "LOCK_SECONDS", 0.01)
    model = Embedder()
    with model._lock, pytest.raises(EmbeddingError, match="busy"):
        model.embed("Buy milk")
    assert model.embed("Buy milk").shape == (DIMENSIONS,)


def test_a_failure_of_the_engine_is_an_embedding_error() -> None:
    model = Embedder()
    model._engine = object()
    with pytest.raises(EmbeddingError, match="the model failed"):
        model.embed("Buy milk")


def _embed_in_child(answers: "multiprocessing.SimpleQueue[list[float]]") -> None:
    model = embedder()
    assert model is not None
    answers.put(model.embed("Buy milk").tolist())


def test_a_forked_process_embeds_although_another_thread_held_the_lock_at_the_fork() -> None:
    model = embedder()
    assert model is not None
    expected = model.embed("Buy milk").tolist()
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.SimpleQueue[list[float]] = context.SimpleQueue()
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with model._lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = context.Process(target=_embed_in_child, args=(answers,))
    child.start()
    child.join(60)
    done.set()
    thread.join()
    assert child.exitcode == 0
    assert answers.get() == expected


def test_loading_leaves_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    Embedder().embed("Buy milk")
    assert os.environ["OMP_NUM_THREADS"] == "3"
    monkeypatch.delenv("OMP_NUM_THREADS")
    Embedder().embed("Buy milk")
    assert "OMP_NUM_THREADS" not in os.environ


@pytest.mark.usefixtures("forgotten_availability")
def test_without_the_package_there_is_no_embedder_and_one_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(engine_module, "LIBRARY", "a_package_that_is_missing")
    with caplog.at_level(logging.WARNING):
        assert [embedder(), embedder()] == [None, None]
    assert [record.getMessage() for record in caplog.records] == [
        "Thoughts are analysed by rules alone and without memory of earlier ones, because the package "
        "a_package_that_is_missing is not installed (it has no wheel for every platform)."
    ]


@pytest.mark.usefixtures("forgotten_availability")
def test_without_the_processors_vector_instructions_there_is_no_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "_has_vector_instructions", lambda: False)
    assert embedder() is None
