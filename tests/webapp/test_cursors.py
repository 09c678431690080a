"""The cursors of a list."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from webapp import cursors


def test_a_cursor_is_decoded_to_its_position_and_an_invalid_one_is_rejected() -> None:
    position = (datetime(2026, 11, 23, 15, 20, 11, 123456, tzinfo=UTC), uuid4())
    assert cursors.decode(cursors.encode(position)) == position
    for invalid in ("", "x", "\u2028", "bm90IGEgY3Vyc29y", cursors.encode(position)[:-4]):
        with pytest.raises(ValueError, match="this cursor is invalid"):
            cursors.decode(invalid)


def test_a_search_has_cursors_of_its_own() -> None:
    position = (0.1 + 0.2, uuid4())
    assert cursors.decode_search(cursors.encode_search(position)) == position
    list_cursor = cursors.encode((datetime.now(UTC), uuid4()))
    for invalid in (list_cursor, cursors.encode_search((float("nan"), uuid4()))):
        with pytest.raises(ValueError, match="this cursor is invalid"):
            cursors.decode_search(invalid)
    with pytest.raises(ValueError, match="this cursor is invalid"):
        cursors.decode(cursors.encode_search(position))
