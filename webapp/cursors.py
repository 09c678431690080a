"""Cursors of a list: opaque tokens that say where the next page begins."""

import base64
import math
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from flask import request

from webapp.memory import SearchPosition
from webapp.problem_types import INVALID_CURSOR
from webapp.queries import ListPosition

Place = TypeVar("Place")
Position = TypeVar("Position")


def encode(position: ListPosition) -> str:
    """Return the cursor of the page of a list that begins after this position."""
    created_at, thought_id = position
    return _token(created_at.isoformat(), thought_id)


def encode_search(position: SearchPosition) -> str:
    """Return the cursor of the page of a search that begins after this position."""
    distance, thought_id = position
    return _token(repr(distance), thought_id)


def decode(cursor: str) -> ListPosition:
    """Return the position of a list's cursor. Raises ValueError when `encode` did not make it."""
    return _decoded(cursor, _time)


def decode_search(cursor: str) -> SearchPosition:
    """Return the position of a search's cursor. Raises ValueError when `encode_search` did not make it."""
    return _decoded(cursor, _distance)


def requested_cursor() -> ListPosition | None:
    """Return the position in the list that this request asks for, or None for the first page. Raises BadRequest."""
    return _requested(decode)


def requested_search_cursor() -> SearchPosition | None:
    """Return the position in the search that this request asks for, or None for the first page. Raises BadRequest."""
    return _requested(decode_search)


def _requested(decode_cursor: Callable[[str], Position]) -> Position | None:
    cursor = request.args.get("cursor")
    try:
        return decode_cursor(cursor) if cursor else None
    except ValueError:
        raise INVALID_CURSOR.error(
            "cursor: this cursor is invalid. Send the `next` of the page before, or none."
        ) from None


def _token(place: str, thought_id: UUID) -> str:
    return base64.urlsafe_b64encode(f"{place}|{thought_id}".encode()).decode().rstrip("=")


def _decoded(cursor: str, read_place: Callable[[str], Place]) -> tuple[Place, UUID]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        place, _, thought_id = base64.b64decode(padded, b"-_", validate=True).decode().partition("|")
        return read_place(place), UUID(thought_id)
    except ValueError as error:
        raise ValueError("this cursor is invalid") from error


def _time(place: str) -> datetime:
    time = datetime.fromisoformat(place)
    if time.tzinfo is None:
        raise ValueError("the time has no offset")
    return time


def _distance(place: str) -> float:
    distance = float(place)
    if not math.isfinite(distance):
        raise ValueError("the distance is no number")
    return distance
