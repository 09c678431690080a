"""Times that Python cannot express are read as the closest ones that it can."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from contracts.database import Database
from contracts.tables import users

LEAST, GREATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12000-01-01", GREATEST),
        ("294276-12-31 23:59:59.999999", GREATEST),
        ("infinity", GREATEST),
        ("0001-12-31 BC", LEAST),
        ("4713-01-01 BC", LEAST),
        ("-infinity", LEAST),
        ("2026-02-03 04:05:06.000007", datetime(2026, 2, 3, 4, 5, 6, 7, UTC)),
    ],
)
def test_every_time_of_postgresql_can_be_read(database: Database, value: str, expected: datetime) -> None:
    user = uuid4()
    insert = text("INSERT INTO users (id, created_at) VALUES (:id, CAST(CAST(:value AS text) AS timestamptz))")
    database.rows(insert, id=user, value=value)
    prepared = text("SELECT created_at, CAST(created_at AS date) AS day FROM users WHERE id = :id")
    row = database.row(prepared, id=user)
    assert row
    assert (row.created_at, row.day) == (expected, date(expected.year, expected.month, expected.day))
    row = database.row(select(users.c.created_at).where(users.c.id == user))
    assert row
    assert row.created_at == expected
