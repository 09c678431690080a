"""Statements are planned once per connection, accept every type of argument, and recover from invalid plans."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from contracts.database import Database, make_engine
from contracts.settings import Settings
from tests.eventually import eventually
from tests.stores import execute
from tests.tcp_proxy import proxy_for

PLANS = text("""
    SELECT statement, generic_plans + custom_plans AS executions FROM pg_prepared_statements
     WHERE statement LIKE '%last_turn%' AND name LIKE 'prepared%' AND statement NOT LIKE '%generic_plans%'
""")
LAST_TURN = text("SELECT last_turn, '%' AS percent FROM users WHERE id = :id")


@pytest.fixture
def single(settings: Settings) -> Iterator[Database]:
    """A database with a pool of one connection."""
    engine = make_engine(settings.database_url, "test", connections=1)
    yield Database(engine)
    engine.dispose()


def test_a_statement_is_planned_once_per_connection(single: Database, user_id: UUID) -> None:
    for _ in range(3):
        assert single.rows(LAST_TURN, id=user_id) == [(0, "%")]
    [plan] = single.rows(PLANS)
    assert plan.executions == 3


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("uuid", UUID(int=7)),
        ("uuid[]", [UUID(int=7), None]),
        ("uuid[]", [None]),
        ("uuid[]", []),
        ("bigint[]", [None, 2**40]),
        ("text[]", ["it's", "100 %", "\\", None]),
        ("jsonb", '{"a": "%s"}'),
        ("bytea", b"\x00%\xff"),
        ("float8", 0.1),
        ("numeric", Decimal("0.000001")),
        ("boolean", True),
        ("text", "it's 100 % \\ :fine"),
        ("timestamptz", datetime(2026, 11, 23, tzinfo=UTC)),
        ("smallint", None),
    ],
    ids=str,
)
def test_arguments_of_every_type_arrive_unchanged(database: Database, type_: str, value: Any) -> None:
    result = database.rows(text(f"SELECT CAST(:value AS {type_}) AS value"), value=value)[0].value
    expected = {"a": "%s"} if type_ == "jsonb" else value
    assert (bytes(result) if isinstance(result, memoryview) else result) == expected


def test_an_argument_may_be_an_array_of_jsonb(database: Database) -> None:
    rows = database.rows(text("SELECT unnest(CAST(:values AS jsonb[])) AS value"), values=['{"a": 1}', None])
    assert rows == [({"a": 1},), (None,)]


def test_percent_signs_are_unchanged_in_a_statement_without_parameters(single: Database) -> None:
    for _ in range(2):
        assert single.rows(text("SELECT '%' AS one, '%%' AS two")) == [("%", "%%")]


def test_a_wrong_statement_raises_at_every_execution(single: Database) -> None:
    for _ in range(2):
        with pytest.raises(ProgrammingError, match="nowhere"):
            single.rows(text("SELECT * FROM nowhere"))
    assert single.rows(text("SELECT 1 AS one")) == [(1,)]


def test_one_execution_fails_after_a_migration_changed_a_column(
    single: Database, settings: Settings, user_id: UUID
) -> None:
    """The next execution prepares the statement again; otherwise the process would fail forever."""
    single.rows(LAST_TURN, id=user_id)
    execute(settings.database_url, "ALTER TABLE users ALTER COLUMN last_turn TYPE numeric")
    with pytest.raises(DBAPIError, match="cached plan"):
        single.rows(LAST_TURN, id=user_id)
    assert single.rows(LAST_TURN, id=user_id) == [(Decimal(0), "%")]


def test_one_execution_fails_after_a_session_lost_its_prepared_statements(single: Database, user_id: UUID) -> None:
    single.rows(LAST_TURN, id=user_id)
    with single.engine.connect() as connection:
        connection.execute(text("DEALLOCATE ALL"))
    with pytest.raises(DBAPIError, match="does not exist"):
        single.rows(LAST_TURN, id=user_id)
    assert single.rows(LAST_TURN, id=user_id) == [(0, "%")]


def test_the_deadline_of_a_statement_includes_its_preparation(settings: Settings) -> None:
    """LEASE_SECONDS is computed with the limit of a whole statement, not of each of its round trips."""
    with proxy_for(settings.database_url) as proxy:
        engine = make_engine(proxy.proxied_url(settings.database_url), "test", connections=1, statement_seconds=3)
        database = Database(engine)
        database.rows(text("SELECT 1 AS one"))
        proxy.request_delay = proxy.answer_delay = 1
        with pytest.raises(DBAPIError, match="did not answer within"):
            database.rows(text("SELECT CAST(:number AS bigint) AS never_asked_before"), number=1)
        engine.dispose()


def test_an_engine_with_index_plans_only_scans_no_whole_table(settings: Settings, user_id: UUID) -> None:
    """Plans are kept, so a plan that was made while the table was small must still be good when it has grown."""
    execute(settings.database_url, "ANALYZE users")
    engine = make_engine(settings.database_url, "test", connections=1, index_plans_only=True)
    database = Database(engine)
    for _ in range(10):
        database.rows(LAST_TURN, id=user_id)
    [plan] = database.rows(text("SELECT name FROM pg_prepared_statements WHERE statement LIKE '%last_turn%' LIMIT 1"))
    with engine.connect() as connection:
        lines = connection.execute(text(f"EXPLAIN EXECUTE {plan.name}('{user_id}')"))
        assert "Seq Scan" not in " ".join(line[0] for line in lines)
    engine.dispose()


def test_a_statement_can_be_prepared_again_after_a_lost_answer(settings: Settings) -> None:
    """The first PREPARE may have succeeded although its answer was lost, so its name is not used again."""
    engine = make_engine(settings.database_url, "test", connections=1, statement_seconds=2)
    database = Database(engine)
    slow = text("SELECT 1 AS one FROM pg_sleep(CAST(:seconds AS float8))")
    with pytest.raises(DBAPIError):
        database.rows(slow, seconds=60)
    assert eventually(lambda: database.rows(slow, seconds=0)) == [(1,)]
    engine.dispose()
