"""Statements are planned once a connection, take every kind of argument, and outlive what makes a plan useless."""

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
from tests.tcp_proxy import proxy_before

PLANS = text("""
    SELECT statement, generic_plans + custom_plans AS executions FROM pg_prepared_statements
     WHERE statement LIKE '%last_turn%' AND name LIKE 'prepared%' AND statement NOT LIKE '%generic_plans%'
""")
LAST_TURN = text("SELECT last_turn, '%' AS percent FROM users WHERE id = :id")


@pytest.fixture
def one(settings: Settings) -> Iterator[Database]:
    """A pool of one connection."""
    engine = make_engine(settings.database_url, "test", connections=1)
    yield Database(engine)
    engine.dispose()


def test_a_statement_is_planned_once_a_connection(one: Database, user_id: UUID) -> None:
    for _ in range(3):
        assert one.rows(LAST_TURN, id=user_id) == [(0, "%")]
    [plan] = one.rows(PLANS)
    assert plan.executions == 3


@pytest.mark.parametrize(
    ("kind", "value"),
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
def test_every_kind_of_argument_arrives_as_it_is(database: Database, kind: str, value: Any) -> None:
    given = database.rows(text(f"SELECT CAST(:value AS {kind}) AS value"), value=value)[0].value
    assert (bytes(given) if isinstance(given, memoryview) else given) == ({"a": "%s"} if kind == "jsonb" else value)


def test_jsonb_may_be_given_in_arrays(database: Database) -> None:
    given = database.rows(text("SELECT unnest(CAST(:values AS jsonb[])) AS value"), values=['{"a": 1}', None])
    assert given == [({"a": 1},), (None,)]


def test_percent_signs_stay_what_they_are_without_parameters_too(one: Database) -> None:
    for _ in range(2):
        assert one.rows(text("SELECT '%' AS one, '%%' AS two")) == [("%", "%%")]


def test_a_wrong_statement_is_told_each_time(one: Database) -> None:
    for _ in range(2):
        with pytest.raises(ProgrammingError, match="nowhere"):
            one.rows(text("SELECT * FROM nowhere"))
    assert one.rows(text("SELECT 1 AS one")) == [(1,)]


def test_a_changed_column_costs_one_failed_execution(one: Database, settings: Settings, user_id: UUID) -> None:
    """A migration that changes what a statement answers must not leave the process with a plan that fails for ever."""
    one.rows(LAST_TURN, id=user_id)
    execute(settings.database_url, "ALTER TABLE users ALTER COLUMN last_turn TYPE numeric")
    with pytest.raises(DBAPIError, match="cached plan"):
        one.rows(LAST_TURN, id=user_id)
    assert one.rows(LAST_TURN, id=user_id) == [(Decimal(0), "%")]


def test_a_session_that_forgot_its_statements_costs_one_failed_execution(one: Database, user_id: UUID) -> None:
    one.rows(LAST_TURN, id=user_id)
    with one.engine.connect() as connection:
        connection.execute(text("DEALLOCATE ALL"))
    with pytest.raises(DBAPIError, match="does not exist"):
        one.rows(LAST_TURN, id=user_id)
    assert one.rows(LAST_TURN, id=user_id) == [(0, "%")]


def test_preparing_takes_no_time_beyond_the_statements_own(settings: Settings) -> None:
    """The patience counts on the bound of a whole statement, not of each of its round trips."""
    with proxy_before(settings.database_url) as proxy:
        engine = make_engine(proxy.url(settings.database_url), "test", connections=1, statement_seconds=3)
        database = Database(engine)
        database.rows(text("SELECT 1 AS one"))
        proxy.request_delay = proxy.answer_delay = 1
        with pytest.raises(DBAPIError, match="did not answer within"):
            database.rows(text("SELECT CAST(:number AS bigint) AS never_asked_before"), number=1)
        engine.dispose()


def test_plans_of_processes_that_go_by_key_read_no_table_whole(settings: Settings, user_id: UUID) -> None:
    """They are kept, so one that was made while the table was small must still be good when it has grown."""
    execute(settings.database_url, "ANALYZE users")
    engine = make_engine(settings.database_url, "test", connections=1, index_plans_only=True)
    connection = Database(engine)
    for _ in range(10):
        connection.rows(LAST_TURN, id=user_id)
    [plan] = connection.rows(text("SELECT name FROM pg_prepared_statements WHERE statement LIKE '%last_turn%' LIMIT 1"))
    with engine.connect() as asked:
        told = asked.execute(text(f"EXPLAIN EXECUTE {plan.name}('{user_id}')"))
        assert "Seq Scan" not in " ".join(row[0] for row in told)
    engine.dispose()


def test_one_that_was_cut_off_while_preparing_can_prepare_again(settings: Settings) -> None:
    """The plan may be there although its answer was lost: its name is then not used again."""
    engine = make_engine(settings.database_url, "test", connections=1, statement_seconds=2)
    database = Database(engine)
    slow = text("SELECT 1 AS one FROM pg_sleep(CAST(:seconds AS float8))")
    with pytest.raises(DBAPIError):
        database.rows(slow, seconds=60)
    assert eventually(lambda: database.rows(slow, seconds=0)) == [(1,)]
    engine.dispose()
