"""Searches a user's thoughts by meaning: embeds what is looked for, and compares it with their vectors."""

import math
from typing import Final
from uuid import UUID

from agents.embedding.embedder import Embedder, EmbeddingError, embedder
from contracts.visible_text import has_visible_character
from webapp import memory
from webapp.memory import FoundThoughts, SearchPosition
from webapp.problem_types import INVALID_VALUE, SEARCH_UNAVAILABLE, TOO_MANY_SEARCHES
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
    long, or memory is off, ServiceUnavailable when the model fails, TooManyRequests when the budget is used up, and
    SQLAlchemyError when PostgreSQL is unavailable.
    """
    model = _embedder(services)
    if model is None:
        raise INVALID_VALUE.error("similar_to: thoughts cannot be searched by meaning here, because memory is off.")
    require_searchable(query)
    if wait := services.search_budget.begin(user_id):
        raise TOO_MANY_SEARCHES.error("Too many searches. Try again in a moment.", retry_after=math.ceil(wait))
    try:
        vector = model.embed(query).tolist()
    except EmbeddingError as error:
        raise SEARCH_UNAVAILABLE.error("The search is not available at the moment. Try again later.") from error
    return memory.search(services.database, user_id, vector, model.model, limit, after)


def require_searchable(query: str) -> None:
    """Raise UnprocessableEntity when a text is empty, invisible or too long to search for."""
    if not query.strip() or len(query) > MAX_QUERY_LENGTH:
        raise INVALID_VALUE.error(f"similar_to: send a text of 1 to {MAX_QUERY_LENGTH} characters.")
    if not has_visible_character(query):
        raise INVALID_VALUE.error("similar_to: the text has no visible character.")


def _embedder(services: Services) -> Embedder | None:
    return embedder() if services.settings.memory else None
