"""Agents that read earlier thoughts get the most similar ones of the same user, and work without them if need be."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from agents.catalogue import CATALOGUE
from agents.embedding.embedder import Embedder, EmbeddingError, embedder
from agents.embedding.model import MODEL, SIMILAR_FROM
from agents.interface import AgentInput
from contracts.database import Database
from contracts.thought_vectors import store_vector
from tasks.memory.memory import Memory
from tasks.memory.memory_store import MemoryStore
from tasks.step_outcomes import Advance
from tests.tasks.conftest import MakeMemory, MakeRunner
from tests.tasks.fake_provider import FakeProvider
from tests.tasks.memory.conftest import NewLife
from tests.tasks.memory.lives import Life
from tests.tasks.thoughts import set_columns
from tests.transactions import slow_commit
from webapp.deletion import DELETE_THOUGHT

BILL = "The hospital sent mum a bill that she cannot pay"
BILL_AGAIN = "Mum got a bill of the hospital which she is unable to pay"
BILL_ONCE_MORE = "The bill that the hospital sent to mum is more than she can pay"
RUST = "Should I learn Rust this winter?"

READERS = [number for number, agent in enumerate(CATALOGUE.agents, start=1) if agent.reads_earlier_thoughts]


def inputs_of(life: Life, thought: UUID) -> dict[str, AgentInput]:
    """Return what each agent was given for a thought."""
    inputs = [call for call in life.provider.inputs if call.thought_id == str(thought)]
    return dict(zip(CATALOGUE.names, inputs, strict=True))


def texts_read(life: Life, thought: UUID) -> list[str]:
    """Return the texts that the analysis of a thought read."""
    return [earlier.text for earlier in inputs_of(life, thought)["analysis"].earlier_thoughts]


def test_the_agents_that_read_earlier_thoughts_are_analysis_and_priority() -> None:
    assert [CATALOGUE.names[number - 1] for number in READERS] == ["analysis", "priority"]


def test_readers_get_the_similar_earlier_thoughts_with_id_day_outcome_and_similarity(
    life: Life, database: Database
) -> None:
    first = life.write(BILL)
    set_columns(database, first, "created_at = '2026-05-01T23:30:00Z'")
    life.write(RUST)
    second = life.write(BILL_AGAIN)
    inputs = inputs_of(life, second)
    for name in ("analysis", "priority"):
        [earlier] = inputs[name].earlier_thoughts
        assert (earlier.id, earlier.text) == (str(first), BILL)
        assert earlier.written_on == date(2026, 5, 1)
        assert earlier.outcome == "High: Call the bank today."
        assert SIMILAR_FROM <= earlier.similarity <= 1
    assert [list(inputs[name].earlier_thoughts) for name in ("classification", "value_impact", "action_plan")] == [
        [], [], [],
    ]  # fmt: skip
    assert life.read(second) == [None, [first], None, None, [first]]


def test_the_day_of_an_earlier_thought_is_that_of_the_authors_time_zone(life: Life, database: Database) -> None:
    first = life.write(BILL)
    set_columns(database, first, "created_at = '2026-05-01T23:30:00Z'")
    profile = """UPDATE users SET profile = '{"time_zone": "Europe/Berlin"}' WHERE id = :user"""
    database.rows(text(profile), user=life.user)
    [earlier] = inputs_of(life, life.write(BILL_AGAIN))["analysis"].earlier_thoughts
    assert earlier.written_on == date(2026, 5, 2)


def test_the_most_similar_thoughts_come_first_and_at_most_five_are_read(life: Life) -> None:
    for number in range(7):
        life.write(f"{BILL}, number {number} of many letters that came")
    closest = life.write(BILL)
    thought = life.write(f"{BILL}!")
    earlier = inputs_of(life, thought)["analysis"].earlier_thoughts
    assert len(earlier) == 5
    assert earlier[0].id == str(closest)
    similarities = [one.similarity for one in earlier]
    assert similarities == sorted(similarities, reverse=True)


def test_no_thought_of_another_user_is_ever_read(new_life: NewLife, life: Life) -> None:
    other = new_life()
    other.write(BILL)
    thought = life.write(BILL)
    assert texts_read(life, thought) == []
    assert life.read(thought) == [None] * 5
    assert life.sources(thought) == [None] * 5


def test_only_completed_thoughts_that_were_written_before_are_read(life: Life, database: Database) -> None:
    failed, later = life.write(BILL), life.write(BILL_AGAIN)
    life.write(f"{BILL_AGAIN}?")
    set_columns(database, failed, "status = 'failed'")
    set_columns(database, later, "created_at = now() + interval '1 hour'")
    assert texts_read(life, life.write(BILL_ONCE_MORE)) == [f"{BILL_AGAIN}?"]


def test_a_deleted_thought_is_never_read_again(life: Life) -> None:
    first = life.write(BILL)
    life.delete(first)
    assert texts_read(life, life.write(BILL_AGAIN)) == []


def test_a_thought_has_one_vector_which_its_repeated_steps_do_not_change(life: Life) -> None:
    thought = life.write(BILL)
    [vector] = life.vectors()
    model = embedder()
    assert model is not None
    assert (vector.thought_id, vector.model) == (thought, MODEL)
    numbers = [float(number) for number in vector.embedding.strip("[]").split(",")]
    assert numbers == pytest.approx(model.embed(BILL).tolist())


def test_a_copied_result_has_a_vector_too(life: Life) -> None:
    first, second = life.write(BILL), life.write(BILL)
    assert life.sources(second) == [first] * 5
    assert {vector.thought_id for vector in life.vectors()} == {first, second}


def test_vectors_of_another_model_are_not_compared_and_one_of_the_thought_itself_is_replaced(
    life: Life, database: Database
) -> None:
    first = life.write(BILL)
    database.rows(text("UPDATE thought_vectors SET model = 'a former model' WHERE thought_id = :id"), id=first)
    step = life.begin(BILL_AGAIN)
    store_vector(database, step.thought_id, "a former model", [1.0] * 384)
    assert life.run(step) == [Advance()] * 5
    assert texts_read(life, step.thought_id) == []
    assert {vector.thought_id: vector.model for vector in life.vectors()} == {
        first: "a former model",
        step.thought_id: MODEL,
    }


class _FailingEmbedder(Embedder):
    def embed(self, text: str) -> Any:
        raise EmbeddingError("the model failed: no memory")


class _FailingStore(MemoryStore):
    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattribute__(self, name: str) -> Any:
        if name in ("store_vector", "similar", "source", "saved_run", "subject"):
            raise object.__getattribute__(self, "_error")
        return object.__getattribute__(self, name)


def with_failing_embedder(make_memory: MakeMemory, provider: FakeProvider) -> Memory:
    return make_memory(provider, _FailingEmbedder)


def with_failing_statements(make_memory: MakeMemory, provider: FakeProvider) -> Memory:
    error = OperationalError(None, None, Exception("PostgreSQL did not answer within 1 s"))
    return Memory(_FailingStore(error), provider, embedder)


def with_a_bug(make_memory: MakeMemory, provider: FakeProvider) -> Memory:
    return Memory(_FailingStore(KeyError("a bug")), provider, embedder)


@pytest.mark.parametrize("make", [with_failing_embedder, with_failing_statements, with_a_bug])
def test_a_failing_memory_fails_no_thought(
    life: Life,
    make_memory: MakeMemory,
    make: Callable[[MakeMemory, FakeProvider], Memory],
    caplog: pytest.LogCaptureFixture,
) -> None:
    life.write(BILL)
    life.memory = make(make_memory, life.provider)
    with caplog.at_level(logging.WARNING, "tasks.memory.memory"):
        thought = life.write(BILL_AGAIN)
    assert texts_read(life, thought) == []
    assert life.read(thought) == [None] * 5
    problems = [record for record in caplog.records if "continues without memory" in record.getMessage()]
    assert {cast("Any", record).thought_id for record in problems} == {thought}
    assert BILL_AGAIN not in caplog.text


def test_without_an_embedder_thoughts_are_analysed_and_equal_ones_still_reused(
    life: Life, make_memory: MakeMemory
) -> None:
    life.memory = make_memory(life.provider, lambda: None)
    first = life.write(BILL)
    assert texts_read(life, life.write(BILL_AGAIN)) == []
    assert life.sources(life.write(BILL)) == [first] * 5
    assert life.vectors() == []


def test_with_memory_false_nothing_is_read_stored_or_reused(life: Life, make_runner: MakeRunner) -> None:
    life.write(BILL)
    life.memory = None  # type: ignore[assignment]
    thoughts = [life.write(BILL), life.write(BILL)]
    for thought in thoughts:
        assert texts_read(life, thought) == []
        assert [(run.reuse_key, run.reused_from, run.earlier_thoughts) for run in life.runs(thought)] == [
            (None, None, None)
        ] * 5
    assert len(life.vectors()) == 1


def test_no_vector_of_a_deleted_thought_is_stored(life: Life, database: Database) -> None:
    thought = life.write(BILL)
    life.delete(thought)
    assert life.vectors() == []
    store_vector(database, thought, MODEL, [1.0] * 384)
    assert life.vectors() == []


def test_a_deletion_that_comes_first_leaves_nothing_to_store(life: Life, database: Database) -> None:
    thought = life.write(BILL)
    database.rows(text("DELETE FROM thought_vectors WHERE thought_id = :id"), id=thought)
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as deleting:
            deleting.rows(DELETE_THOUGHT, id=thought, address=None)
            storing = pool.submit(store_vector, database, thought, MODEL, [1.0] * 384)
        storing.result(30)
    assert life.vectors() == []


def test_a_deletion_erases_a_vector_that_was_just_being_stored(life: Life, database: Database) -> None:
    """Its first statement waits for the insert and does not see it; the second one does."""
    thought = life.write(BILL)
    database.rows(text("DELETE FROM thought_vectors WHERE thought_id = :id"), id=thought)
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as storing:
            store_vector(storing, thought, MODEL, [1.0] * 384)
            deleting = pool.submit(life.delete, thought)
        deleting.result(30)
    assert life.vectors() == []
