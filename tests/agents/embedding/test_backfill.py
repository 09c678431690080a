"""`python -m agents embed` makes the missing vectors, those of other models, and can be interrupted and repeated."""

import os
import subprocess
import sys
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from agents.embedding.backfill import embed_missing
from agents.embedding.embedder import Embedder, embedder
from agents.embedding.model import MODEL
from contracts.accept import accept
from contracts.database import Database
from contracts.settings import Settings
from contracts.thought_vectors import count_missing, store_vector
from tests.stores import ROOT


@pytest.fixture
def model() -> Embedder:
    found = embedder()
    assert found is not None
    return found


def write(database: Database, user: UUID, written: str, status: str = "completed") -> UUID:
    thought = uuid4()
    accept(database, thought_id=thought, user_id=user, text=written, event=b"{}", topic="work", emit=False)
    finished = "NULL" if status in ("pending", "processing") else "now()"
    changed = "UPDATE thoughts SET status = :status, finished_at = " + finished + " WHERE id = :id"
    database.rows(text(changed), id=thought, status=status)
    return thought


def models(database: Database) -> dict[UUID, str]:
    rows = database.rows(text("SELECT thought_id, model FROM thought_vectors"))
    return {row.thought_id: row.model for row in rows}


def run(settings: Settings, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the command as an operator does."""
    variables = {**os.environ, "DATABASE_URL": settings.database_url, "REDIS_URL": "redis://unused"}
    variables |= {"KAFKA_ENABLED": "false", **environment}
    command = [sys.executable, "-m", "agents", "embed"]
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


def test_the_command_makes_the_missing_vectors_and_those_of_another_model(
    database: Database, settings: Settings, user_id: UUID
) -> None:
    thoughts = [write(database, user_id, f"thought {number}", "completed") for number in range(23)]
    thoughts.append(write(database, user_id, "a failed one", "failed"))
    write(database, user_id, "an open one", "pending")
    write(database, user_id, "", "deleted")
    store_vector(database, thoughts[0], "a former model", [1.0] * 384)
    store_vector(database, thoughts[1], MODEL, [1.0] * 384)
    process = run(settings)
    assert process.returncode == 0, process.stderr
    assert "Embedding thoughts" in process.stdout
    assert process.stdout.endswith(f"23 thoughts have a new vector of {MODEL}.\n")
    assert models(database) == dict.fromkeys(thoughts, MODEL)
    again = run(settings)
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, f"0 thoughts have a new vector of {MODEL}.")


def test_the_command_deletes_vectors_that_a_former_release_left_of_deleted_thoughts(
    database: Database, settings: Settings, user_id: UUID
) -> None:
    kept, deleted = write(database, user_id, "kept"), write(database, user_id, "deleted by a former release")
    for thought in (kept, deleted):
        store_vector(database, thought, MODEL, [1.0] * 384)
    database.rows(text("UPDATE thoughts SET status = 'deleted', text = '' WHERE id = :id"), id=deleted)
    assert run(settings).returncode == 0
    assert set(models(database)) == {kept}


def test_a_vector_belongs_to_the_author_of_its_thought(database: Database, user_id: UUID, model: Embedder) -> None:
    thought = write(database, user_id, "mine")
    assert embed_missing(database, model, lambda _: None) == 1
    [row] = database.rows(text("SELECT user_id, embedding::text AS vector FROM thought_vectors"))
    assert row.user_id == user_id
    numbers = [float(number) for number in row.vector.strip("[]").split(",")]
    assert numbers == pytest.approx(model.embed("mine").tolist())
    assert list(models(database)) == [thought]


def test_an_interrupted_command_keeps_what_is_done_and_continues(
    database: Database, user_id: UUID, model: Embedder
) -> None:
    for number in range(30):
        write(database, user_id, f"thought {number}")
    seen: list[int] = []

    def interrupt(new: int) -> None:
        seen.append(new)
        if len(seen) == 25:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_missing(database, model, interrupt)
    assert count_missing(database, MODEL) == 5
    assert embed_missing(database, model, lambda _: None) == 5
    assert count_missing(database, MODEL) == 0


def test_a_thought_that_is_deleted_meanwhile_gets_no_vector(database: Database, user_id: UUID, model: Embedder) -> None:
    for number in range(3):
        write(database, user_id, f"thought {number}")

    def delete_all(_: int) -> None:
        database.rows(text("UPDATE thoughts SET status = 'deleted', text = ''"))

    embed_missing(database, model, delete_all)
    assert len(models(database)) == 1


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"MEMORY": "false"}, "No vectors are made, because MEMORY is false.\n"),
        (
            {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"},
            "PostgreSQL is unavailable, run the command again: ",
        ),
        ({"DATABASE_URL": "mysql://x"}, "Cannot start. DATABASE_URL: "),
    ],
)
def test_the_command_says_in_one_line_why_it_cannot_run(
    settings: Settings, environment: dict[str, Any], message: str
) -> None:
    process = run(settings, **environment)
    assert process.returncode == 1
    assert process.stderr.startswith(message)
    assert process.stderr.count("\n") == 1
