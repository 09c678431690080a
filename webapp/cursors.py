"""The place in a list where the next page begins, opaque to who carries it."""

import base64
import binascii
from datetime import datetime
from uuid import UUID

from flask import request
from werkzeug.exceptions import BadRequest

from webapp.queries import ListPosition


def encode(place: ListPosition) -> str:
    """The cursor that leads behind this place."""
    when, thought_id = place
    return base64.urlsafe_b64encode(f"{when.isoformat()}|{thought_id}".encode()).decode().rstrip("=")


def decode(cursor: str) -> ListPosition:
    """The place of a cursor. Raises ValueError for anything that `encode` did not make."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        when, _, thought_id = base64.b64decode(padded, b"-_", validate=True).decode().partition("|")
        place = datetime.fromisoformat(when), UUID(thought_id)
    except (ValueError, binascii.Error) as broken:
        raise ValueError("this cursor is not one of ours") from broken
    if place[0].tzinfo is None:
        raise ValueError("this cursor is not one of ours")
    return place


def requested_cursor() -> ListPosition | None:
    """The place that this request names; None for the beginning. Raises BadRequest."""
    cursor = request.args.get("cursor")
    try:
        return decode(cursor) if cursor else None
    except ValueError as broken:
        raise BadRequest(f"cursor: {broken}.") from None
