"""Says how much of a limit a request uses: one, or one for each thought of a batch."""

from collections.abc import Mapping
from typing import Final

from flask import Flask, g, request

from webapp.limits.table import Limit

COUNTED_LISTS: Final[Mapping[str, str]] = {"thoughts.create_batch": "thoughts"}
"""Endpoints whose JSON holds many of what is counted, and the member that lists them."""

MAX_COUNTED: Final = 100
"""The most that such a list may hold. A longer one is refused as a whole, so it must not use up more."""


def register(app: Flask) -> None:
    """Read the cost before the limits count, because an error of the body must not look like one of Redis."""
    app.before_request(_read_cost)


def cost_of(limit: Limit) -> int:
    """Return how much of the limit the request uses. It is one of the requests, whatever it holds."""
    items: int = g.get("limited_items", 1)
    return 1 if limit.kind == "requests" else items


def _read_cost() -> None:
    """Raises RequestEntityTooLarge, as the view would."""
    member = COUNTED_LISTS.get(request.endpoint or "")
    if member is None:
        return
    body = _sent_json()
    items = body.get(member) if isinstance(body, dict) else None
    g.limited_items = min(max(1, len(items)), MAX_COUNTED) if isinstance(items, list) else 1


def _sent_json() -> object:
    """Return the body, or None when it cannot be read: the request counts once, and its view refuses it."""
    try:
        return request.get_json(silent=True)
    except RecursionError:  # thousands of brackets
        return None
