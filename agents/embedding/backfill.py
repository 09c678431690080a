"""Makes the vectors that are missing, or that another model made: the command `python -m agents embed`.

Each vector is stored by a separate statement, which locks only the thought's row. The command may be interrupted and
repeated at any time, also beside running workers.
"""

from collections.abc import Callable
from typing import Final
from uuid import UUID

import click

from agents.embedding.embedder import Embedder, EmbeddingError, embedder
from contracts.database import Database, exit_on_database_error, make_engine
from contracts.settings import Settings
from contracts.thought_vectors import count_missing, delete_left_over, next_missing, store_vector

BATCH: Final = 20
"""Thoughts that are read at a time."""

_BEFORE_FIRST: Final = UUID(int=0)


def run(settings: Settings) -> int:
    """Make the missing vectors and show the progress; return the exit status.

    Raises SystemExit with one line when there is nothing to do it with, or when PostgreSQL or the model fails.
    """
    model = embedder()
    if not settings.memory or model is None:
        reason = "MEMORY is false" if not settings.memory else "their model cannot run on this machine"
        raise SystemExit(f"No vectors are made, because {reason}.")
    database = Database(make_engine(settings.database_url, "embed command"))
    try:
        with exit_on_database_error():
            delete_left_over(database)
            done = _embed_with_progress(database, model)
    except EmbeddingError as error:
        raise SystemExit(f"Stopped, run the command again for the rest: {error}") from None
    click.echo(f"{done} {'thought has' if done == 1 else 'thoughts have'} a new vector of {model.model}.")
    return 0


def _embed_with_progress(database: Database, model: Embedder) -> int:
    total = count_missing(database, model.model)
    with click.progressbar(length=total, label="Embedding thoughts", show_pos=True) as bar:
        return embed_missing(database, model, bar.update)


def embed_missing(database: Database, model: Embedder, on_progress: Callable[[int], None]) -> int:
    """Store a vector for every finished thought that has none of this model; return their number.

    `on_progress` is called with the number of new vectors after each of them. A thought that is deleted meanwhile gets
    none. Raises EmbeddingError and SQLAlchemyError; what is stored until then stays.
    """
    after, done = _BEFORE_FIRST, 0
    while thoughts := next_missing(database, model.model, after, BATCH):
        for thought in thoughts:
            store_vector(database, thought.id, model.model, model.embed(thought.text).tolist())
            on_progress(1)
        after, done = thoughts[-1].id, done + len(thoughts)
    return done
