"""A pooled connection never keeps a bad state: every path to PostgreSQL works again once the server does."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from contracts.database import POOL_SIZE, Database, is_rejected_data, make_engine
from contracts.settings import Settings
from contracts.tables import dead_letters, users
from tests.stores import execute

INSERT = text("INSERT INTO users (id) VALUES (:id)")
PID = text("SELECT pg_backend_pid() AS pid")


def prepared_write(database: Database) -> None:
    """Write as the protocol's statements do."""
    database.rows(INSERT, id=uuid4())


def core_write(database: Database) -> None:
    """Write as a statement of SQLAlchemy's expression language."""
    with database.engine.connect() as connection:
        connection.execute(insert(users).values(id=uuid4()))


def transaction_write(database: Database) -> None:
    """Write as the relay does."""
    with database.engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
        connection.execute(INSERT, {"id": uuid4()})


WRITES = [prepared_write, core_write, transaction_write]

Spoil = Callable[[Any], None]


def sql(statement: str) -> Spoil:
    def spoil(cursor: Any) -> None:
        cursor.execute(statement)

    return spoil


SPOILED = {
    "25006, a session that began while the server was read-only": sql("SET default_transaction_read_only = on"),
    "25006, as on a former primary": sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"),
    "42501, another role": sql("SET ROLE pg_monitor"),
    "42P01, another search_path": sql("SET search_path = information_schema"),
    "26000, plans that a pooler discarded": sql("DEALLOCATE ALL"),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
@pytest.mark.parametrize("write", WRITES)
def test_the_whole_pool_is_replaced_after_one_failed_write(
    database: Database, write: Callable[[Database], None], spoil: Spoil
) -> None:
    connections = [database.engine.raw_connection() for _ in range(POOL_SIZE)]
    for connection in connections:
        connection.close()
    for _ in range(POOL_SIZE):
        prepared_write(database)  # so that its plan is known
    connections = [database.engine.raw_connection() for _ in range(POOL_SIZE)]
    for connection in connections:
        spoil(connection.cursor())
        connection.commit()
        connection.close()
    failures = 0
    for _ in range(POOL_SIZE + 1):
        try:
            write(database)
        except DBAPIError:
            failures += 1
    assert failures <= 1


def test_a_read_only_database_is_writable_again_as_soon_as_its_default_is_reset(
    settings: Settings, database: Database
) -> None:
    """The sessions of that time would otherwise stay read-only for ever."""
    name = settings.database_url.rpartition("/")[2]
    execute(settings.database_url, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    with pytest.raises(DBAPIError, match="read-only"):
        prepared_write(database)
    admin = settings.database_url.rpartition("/")[0] + "/postgres"
    execute(admin, f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    prepared_write(database)


def test_a_plan_whose_columns_a_migration_changed_is_made_again(settings: Settings, database: Database) -> None:
    statement = text("SELECT * FROM audits")
    database.rows(statement)
    execute(settings.database_url, "ALTER TABLE audits ADD COLUMN added integer")
    with pytest.raises(DBAPIError, match="cached plan"):
        database.rows(statement)
    assert database.rows(statement) == []


@pytest.mark.parametrize("value", ["a\x00b", "\ud83d", "text \udcff"], ids=["NUL", "half a pair", "a lone surrogate"])
def test_text_that_the_driver_cannot_send_is_rejected_data(database: Database, value: str) -> None:
    """The driver raises its own ValueError or UnicodeEncodeError, which would end a loop that expects SQLAlchemy's."""
    pid = database.rows(PID)[0].pid
    with pytest.raises(DBAPIError) as raised:
        database.rows(text("SELECT CAST(:value AS text) AS value"), value=value)
    assert is_rejected_data(raised.value)
    assert value not in str(raised.value)
    with pytest.raises(DBAPIError) as raised, database.engine.connect() as connection:
        connection.execute(dead_letters.select().where(dead_letters.c.failure_id == value))
    assert is_rejected_data(raised.value)
    with pytest.raises(DBAPIError) as raised:
        database.rows(dead_letters.select().where(dead_letters.c.failure_id == value))
    assert is_rejected_data(raised.value)
    assert database.rows(PID)[0].pid == pid


def test_a_role_that_lost_a_right_works_again_when_it_has_it(settings: Settings) -> None:
    role = f"role_{uuid4().hex}"
    execute(settings.database_url, f"CREATE ROLE {role} LOGIN PASSWORD 'x'", f"GRANT ALL ON users TO {role}")
    scheme = settings.database_url.partition("://")[0]
    own_url = f"{scheme}://{role}:x@{settings.database_url.rpartition('@')[2]}"
    database = Database(make_engine(own_url, "test", statement_seconds=30.0))
    prepared_write(database)
    execute(settings.database_url, f"REVOKE ALL ON users FROM {role}")
    with pytest.raises(DBAPIError, match="permission denied"):
        prepared_write(database)
    execute(settings.database_url, f"GRANT ALL ON users TO {role}")
    prepared_write(database)
    database.engine.dispose()
    execute(settings.database_url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")
