"""Cursors of a list: opaque tokens that say where the next page begins."""

import base64
import binascii
from datetime import datetime
from uuid import UUID

from flask import request
from werkzeug.exceptions import BadRequest

from webapp.queries import ListPosition


def encode(position: ListPosition) -> str:
    """Return the cursor of the page that begins after this position."""
    created_at, thought_id = position
    return base64.urlsafe_b64encode(f"{created_at.isoformat()}|{thought_id}".encode()).decode().rstrip("=")


def decode(cursor: str) -> ListPosition:
    """Return the position of a cursor. Raises ValueError when `encode` did not make it."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        created_at, _, thought_id = base64.b64decode(padded, b"-_", validate=True).decode().partition("|")
        position = datetime.fromisoformat(created_at), UUID(thought_id)
    except (ValueError, binascii.Error) as error:
        raise ValueError("this cursor is invalid") from error
    if position[0].tzinfo is None:
        raise ValueError("this cursor is invalid")
    return position


def requested_cursor() -> ListPosition | None:
    """Return the position that this request asks for, or None for the first page. Raises BadRequest."""
    cursor = request.args.get("cursor")
    try:
        return decode(cursor) if cursor else None
    except ValueError:
        raise BadRequest("cursor: this cursor is invalid. Send the `next` of the page before, or none.") from None
