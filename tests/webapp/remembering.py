"""Thoughts with the vectors, the copied results and the earlier thoughts that a worker would have stored."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient

from agents.embedding.embedder import embedder
from contracts.database import Database
from contracts.thought_vectors import store_vector
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import set_run, submit

PRIORITY = {"priority_level": "High", "final_recommendation": "Call the bank today."}


def embed_thought(database: Database, thought: UUID, written: str) -> None:
    """Store the vector of a text as that of a thought."""
    model = embedder()
    assert model is not None
    store_vector(database, thought, model.model, model.embed(written).tolist())


def write_analysed(
    client: FlaskClient, database: Database, worker: FakeWorker, written: str, analysis: dict[str, Any] | None = None
) -> UUID:
    """Write a thought of the client's cookie, with all results and a vector; return its id."""
    thought = submit(client, written)
    worker.dispatch(thought)
    for step, output in enumerate([None, analysis, None, None, PRIORITY], start=1):
        worker.run_step(thought, step, output)
    embed_thought(database, thought, written)
    return thought


def note_read(database: Database, thought: UUID, ids: Sequence[UUID]) -> None:
    """Note that the analysis of a thought read these earlier ones."""
    set_run(database, thought, 2, f"earlier_thoughts = ARRAY[{', '.join(repr(str(one)) for one in ids)}]::uuid[]")


def note_copied(database: Database, thought: UUID, source: UUID) -> None:
    """Note that all results of a thought were copied from another one."""
    for step in range(1, 6):
        set_run(database, thought, step, f"reused_from = '{source}', tokens_in = 0, tokens_out = 0, cost_usd = 0")
