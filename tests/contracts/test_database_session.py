"""A session with PostgreSQL is the same whatever the environment, the role and the database say."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from sqlalchemy import text

from contracts.database import Database, make_engine
from contracts.database_session import UnusableDatabaseError, open_session
from contracts.settings import Settings
from contracts.tables import thoughts
from tests.migrations.alembic import alembic
from tests.stores import Stores, execute, temporary_database, with_database

EXPECTED = {
    "client_encoding": "UTF8",
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "default_transaction_isolation": "read committed",
    "search_path": '"$user",public',
    "synchronous_commit": "on",
    "standard_conforming_strings": "on",
    "bytea_output": "hex",
    "row_security": "on",
    "lock_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
}

OTHER_DEFAULTS = {
    "client_encoding": "LATIN1",
    "TimeZone": "Asia/Kathmandu",
    "DateStyle": "German",
    "IntervalStyle": "sql_standard",
    "default_transaction_isolation": "serializable",
    "search_path": "nowhere",
    "synchronous_commit": "off",
    "standard_conforming_strings": "off",
    "bytea_output": "escape",
    "row_security": "off",
    "lock_timeout": "1",
    "idle_session_timeout": "1",
    "transaction_timeout": "10000",  # the transaction that sets it to 0 must be able to end
}

LIBPQ_VARIABLES = {
    "PGCLIENTENCODING": "LATIN1",
    "PGOPTIONS": "-c search_path=nowhere -c TimeZone=Asia/Kathmandu -c default_transaction_read_only=on",
    "PGTZ": "Asia/Kathmandu",
    "PGDATESTYLE": "German",
    "PGSERVICE": "another",
    "PGSSLMODE": "require",
    "PGHOSTADDR": "127.0.0.9",
    "PGAPPNAME": "another",
    "PGTARGETSESSIONATTRS": "standby",
    "PGREQUIREAUTH": "none",
    "PGCHANNELBINDING": "require",
    "PGPASSFILE": "/nonexistent",
}
"""Variables that change or prevent libpq's connections."""


def differences(session: Any) -> dict[str, str]:
    """Return those of the session's values that are not as expected. Older servers lack `transaction_timeout`."""
    with session.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY (%s)", (list(EXPECTED),))
        values = dict(cursor.fetchall())
    assert values.keys() >= EXPECTED.keys() - {"transaction_timeout"}
    return {name: value for name, value in values.items() if value != EXPECTED[name]}


def set_defaults(url: str, target: str) -> None:
    """Give a role or database the other defaults that this server knows."""
    connection = open_session(url, "test")
    unknown = {"transaction_timeout"} if connection.server_version < 170000 else set()
    connection.close()
    values = {name: value for name, value in OTHER_DEFAULTS.items() if name not in unknown}
    execute(url, *(f"ALTER {target} SET {name} = {value!r}" for name, value in values.items()))


@pytest.fixture
def other_defaults(settings: Settings) -> Settings:
    """Settings of a database whose own defaults differ from what the statements expect."""
    name = settings.database_url.rpartition("/")[2]
    set_defaults(settings.database_url, f'DATABASE "{name}"')
    return settings


def test_a_pooled_session_ignores_the_defaults_of_the_database(other_defaults: Settings) -> None:
    engine = make_engine(other_defaults.database_url, "test", statement_seconds=30.0)
    with engine.connect() as connection:
        assert differences(connection.connection.dbapi_connection) == {}
    engine.dispose()


def test_a_session_outside_the_pools_ignores_them_too(other_defaults: Settings) -> None:
    session = open_session(other_defaults.database_url, "test")
    assert differences(session) == {}
    session.close()


def test_a_session_ignores_the_defaults_of_its_role(settings: Settings) -> None:
    role = f"role_{uuid4().hex}"
    execute(settings.database_url, f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD 'x'")
    set_defaults(settings.database_url, f"ROLE {role}")
    try:
        own_url = settings.database_url.partition("://")[0] + f"://{role}:x@" + settings.database_url.rpartition("@")[2]
        session = open_session(own_url, "test")
        assert differences(session) == {}
        session.close()
    finally:
        execute(settings.database_url, f"DROP ROLE {role}")


def test_the_environment_of_libpq_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, restore_wait_callback: None
) -> None:
    for name, value in LIBPQ_VARIABLES.items():
        monkeypatch.setenv(name, value)
    database = Database(make_engine(settings.database_url, "ours"))
    row = database.row(text("SELECT current_setting('application_name') AS name, now() AS now, '5 € 🙂' AS text"))
    database.engine.dispose()
    assert row
    assert (row.name, row.text, row.now.utcoffset().total_seconds()) == ("ours", "5 € 🙂", 0)


def test_the_password_of_a_variable_is_used(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """docker-compose.yml passes the password that way."""
    user, _, password = settings.database_url.partition("://")[2].rpartition("@")[0].partition(":")
    monkeypatch.setenv("PGPASSWORD", password)
    scheme, _, address = settings.database_url.replace("+psycopg2", "").rpartition("@")
    open_session(f"{scheme.partition('://')[0]}://{user}@{address}", "test").close()


@pytest.mark.parametrize("form", ["-csearch_path=app", "-c search_path=app", "--search_path=app -c work_mem=8MB"])
def test_migrations_and_processes_use_the_schema_of_the_options(stores: Stores, form: str) -> None:
    with temporary_database(stores, "template1") as url:
        execute(url, "CREATE SCHEMA app")
        with_options = f"{url}?options={quote(form)}"
        done = alembic(with_options, "upgrade", "head")
        assert done.returncode == 0, done.stderr
        database = Database(make_engine(with_options.replace("postgresql://", "postgresql+psycopg2://"), "test"))
        schema = text("SELECT to_regclass('thoughts')::oid = to_regclass('app.thoughts')::oid AS same")
        assert database.rows(schema)[0].same
        assert database.rows(thoughts.select()) == []
        assert database.rows(text("SELECT current_setting('TimeZone') AS zone"))[0].zone == "UTC"
        database.engine.dispose()


def test_the_options_of_the_url_may_not_replace_what_the_statements_need(settings: Settings) -> None:
    options = quote("-c TimeZone=Asia/Kathmandu -c default_transaction_isolation=serializable -cclient_encoding=LATIN1")
    session = open_session(f"{settings.database_url}?options={options}&client_encoding=latin1", "test")
    assert differences(session) == {}
    session.close()


@contextmanager
def database_of(stores: Stores, encoding: str) -> Iterator[str]:
    name = f"encoding_{uuid4().hex}"
    locale = "LOCALE_PROVIDER libc LOCALE 'C'"
    execute(stores.database_url, f"CREATE DATABASE {name} ENCODING '{encoding}' {locale} TEMPLATE template0")
    try:
        yield with_database(stores.database_url, name)
    finally:
        execute(stores.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "EUC_JP"])
def test_a_database_of_another_encoding_is_refused_with_the_cure(stores: Stores, encoding: str) -> None:
    with database_of(stores, encoding) as url, pytest.raises(UnusableDatabaseError) as raised:
        open_session(url, "test")
    assert str(raised.value).startswith("DATABASE_URL: the database encoding_")
    assert f"has the encoding {encoding}" in str(raised.value)
    assert "ENCODING 'UTF8' TEMPLATE template0" in str(raised.value)
