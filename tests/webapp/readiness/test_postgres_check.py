"""PostgreSQL can answer `SELECT 1` and yet accept no thought."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import make_url, text

from contracts.database import Database, make_engine
from tests.stores import Stores, execute, temporary_database
from webapp.readiness.postgres_check import check_postgres
from webapp.readiness.probe import CheckError


@pytest.fixture
def url(stores: Stores, template: str) -> Iterator[str]:
    with temporary_database(stores, template) as url:
        yield url


@pytest.fixture
def own_database(url: str) -> Iterator[Database]:
    engine = make_engine(url.replace("postgresql://", "postgresql+psycopg2://"), "health test", index_plans_only=True)
    yield Database(engine)
    engine.dispose()


READ_ONLY = (
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$"
)
NO_WRITES = (
    "CREATE ROLE {role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};"
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET role = {role}', current_database()); END $$"
)
FAULTS = {
    "read-only": (READ_ONLY, "PostgreSQL is read-only."),
    "no tables": ("DROP SCHEMA public CASCADE; CREATE SCHEMA public", "lacks a table, or its schema is not allowed"),
    "one table is missing": ("DROP TABLE outbox", "lacks a table, or its schema is not allowed"),
    "a column is missing": ("ALTER TABLE thoughts DROP COLUMN event", "lacks a column; run `alembic upgrade head`."),
    "an older migration": ("UPDATE alembic_version SET version_num = '0006'", "has the migration 0006, this release"),
    "no migration": ("DELETE FROM alembic_version", "has no migration, this release needs"),
}


def test_a_database_that_takes_a_thought_is_ok_and_stays_unchanged(own_database: Database) -> None:
    assert check_postgres(own_database) >= "0007"
    for table in ("users", "thoughts", "outbox"):
        assert own_database.rows(text(f"SELECT FROM {table}")) == []


def test_a_web_whose_connections_are_all_in_use_does_not_call_postgresql_unavailable(url: str) -> None:
    url = url.replace("postgresql://", "postgresql+psycopg2://")
    engine = make_engine(url, "health test", statement_seconds=1, connections=1)
    with engine.connect(), pytest.raises(CheckError, match="connections to PostgreSQL are in use"):
        check_postgres(Database(engine))
    engine.dispose()


@pytest.mark.parametrize(("statement", "problem"), FAULTS.values(), ids=FAULTS)
def test_a_database_that_would_refuse_a_thought_is_noticed(
    own_database: Database, url: str, statement: str, problem: str
) -> None:
    execute(url, statement)
    with pytest.raises(CheckError) as raised:
        check_postgres(own_database)
    assert problem in str(raised.value)


GRANTS = {
    "none": "",
    "all but the outbox": "GRANT ALL ON users, thoughts TO {role};",
    "all but changing users": "GRANT ALL ON thoughts, outbox TO {role}; GRANT INSERT ON users TO {role};",
}


@pytest.mark.parametrize("grant", GRANTS.values(), ids=GRANTS)
def test_a_user_without_the_privilege_to_write_is_noticed(own_database: Database, url: str, grant: str) -> None:
    role = f"health_{uuid4().hex}"
    execute(url, NO_WRITES.format(role=role))
    execute(url, f"SET ROLE NONE; {grant.format(role=role)}")
    try:
        with pytest.raises(CheckError, match="does not allow this user to write"):
            check_postgres(own_database)
    finally:
        execute(url, f"SET ROLE NONE; DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_login_that_is_refused_is_no_outage(url: str) -> None:
    nobody = make_url(url).set(drivername="postgresql+psycopg2", username="nobody")
    refused = Database(make_engine(nobody.render_as_string(hide_password=False), "test"))
    with pytest.raises(CheckError, match="PostgreSQL refuses the login"):
        check_postgres(refused)


def test_a_later_migration_is_accepted_because_releases_overlap(own_database: Database, url: str) -> None:
    execute(url, "UPDATE alembic_version SET version_num = '9999'")
    assert check_postgres(own_database) == "9999"
