"""Searches a user's thoughts by meaning: embeds what is looked for, and compares it with their vectors."""

import math
from typing import Final
from uuid import UUID

from werkzeug.exceptions import ServiceUnavailable, UnprocessableEntity

from agents.embedding.embedder import Embedder, EmbeddingError, embedder
from contracts.visible_text import has_visible_character
from webapp import memory
from webapp.memory import FoundThoughts, SearchPosition
from webapp.services import Services

MAX_QUERY_LENGTH: Final = 500
"""Characters. Embedding them takes 0.1 s, during which this web process does nothing else."""


def is_possible(services: Services) -> bool:
    """Return whether thoughts can be searched here: MEMORY is not false, and the model is installed."""
    return _embedder(services) is not None


def find_similar(
    services: Services, user_id: UUID, query: str, limit: int, after: SearchPosition | None = None
) -> FoundThoughts:
    """Return the user's thoughts that are most similar to a text, the most similar first, or those after a position.

    The first call of a process loads the model. Raises UnprocessableEntity when the text is empty, invisible or too
    long, or memory is off, ServiceUnavailable when the model fails or the budget of searches is used up, and
    SQLAlchemyError when PostgreSQL is unavailable.
    """
    model = _embedder(services)
    if model is None:
        raise UnprocessableEntity("similar_to: thoughts cannot be searched by meaning here, because memory is off.")
    if not query.strip() or len(query) > MAX_QUERY_LENGTH:
        raise UnprocessableEntity(f"similar_to: send a text of 1 to {MAX_QUERY_LENGTH} characters.")
    if not has_visible_character(query):
        raise UnprocessableEntity("similar_to: the text has no visible character.")
    if wait := services.search_budget.begin(user_id):
        raise ServiceUnavailable("Too many searches. Try again in a moment.", retry_after=math.ceil(wait))
    try:
        vector = model.embed(query).tolist()
    except EmbeddingError as error:
        raise ServiceUnavailable("The search is not available at the moment. Try again later.") from error
    return memory.search(services.database, user_id, vector, model.model, limit, after)


def _embedder(services: Services) -> Embedder | None:
    return embedder() if services.settings.memory else None
