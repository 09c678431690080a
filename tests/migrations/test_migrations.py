"""The migrations create exactly the tables of the code, and can be reverted."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from contracts import webhook_tables  # noqa: F401  its tables are part of the metadata
from contracts.tables import MIGRATION, metadata
from tests.eventually import eventually
from tests.migrations.alembic import alembic, connect, empty_database, fetch_all, run_alembic, schema
from tests.stores import ROOT, Stores

WAITING_LOCKS = """
    SELECT objid::bigint FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
     WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()
"""


@pytest.fixture
def url(stores: Stores) -> Iterator[str]:
    with empty_database(stores) as database_url:
        yield database_url


def test_the_tables_are_created_dropped_and_created_again(url: str) -> None:
    run_alembic(url, "upgrade", "head")
    created = schema(url)
    run_alembic(url, "downgrade", "base")
    assert not any(schema(url).values())
    run_alembic(url, "upgrade", "head")
    assert schema(url) == created


def test_the_migrations_create_exactly_the_tables_of_the_code(url: str, stores: Stores) -> None:
    """Compared by Alembic and by the catalogue, which also shows defaults, constraints and fill factors."""
    run_alembic(url, "upgrade", "head")
    assert "No new upgrade operations detected" in run_alembic(url, "check")
    with empty_database(stores) as other:
        with connect(other) as connection:
            connection.cursor().execute("CREATE EXTENSION vector")
        engine = create_engine(other.replace("postgresql://", "postgresql+psycopg2://"))
        metadata.create_all(engine)
        engine.dispose()
        assert schema(url) == schema(other)


def test_the_revisions_are_linear_and_numbered_without_gaps() -> None:
    script = ScriptDirectory.from_config(Config(toml_file=ROOT / "pyproject.toml"))
    revisions = [script_file.revision for script_file in script.walk_revisions()][::-1]
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]
    assert script.get_heads() == [revisions[-1]]
    assert revisions[-1] == MIGRATION, "GET /health compares the database with it"


def test_a_migration_file_is_named_after_its_revision() -> None:
    for path in (ROOT / "migrations" / "versions").glob("*.py"):
        if path.name != "__init__.py":
            assert f'revision = "{path.name[:4]}"' in path.read_text()


def test_upgrading_again_changes_nothing(url: str) -> None:
    run_alembic(url, "upgrade", "head")
    created = schema(url)
    run_alembic(url, "upgrade", "head")
    assert schema(url) == created


def test_replicas_that_start_together_migrate_one_after_the_other(url: str) -> None:
    """The second replica waits until the first one has committed, before it reads the tables."""
    [lock] = re.findall(r"^MIGRATION_LOCK = (\d+)$", (ROOT / "migrations" / "env.py").read_text(), re.MULTILINE)
    with connect(url) as first, ThreadPoolExecutor(1) as executor:
        fetch_all(first, f"SELECT pg_advisory_lock({lock})")
        second = executor.submit(alembic, url, "upgrade", "head")
        try:
            eventually(lambda: fetch_all(first, WAITING_LOCKS) == [(int(lock),)])
            assert not any(schema(url).values())
        finally:
            fetch_all(first, f"SELECT pg_advisory_unlock({lock})")
        assert second.result().returncode == 0, second.result().stderr
    assert any(schema(url).values())


def test_a_turn_is_unique_among_a_users_open_thoughts(url: str) -> None:
    run_alembic(url, "upgrade", "head")
    [index] = [definition for _, name, definition in schema(url)["indexes"] if name == "thoughts_line"]
    assert re.search(r"CREATE UNIQUE INDEX .* \(user_id, turn\) WHERE \(finished_at IS NULL\)$", index)


def test_a_wrong_database_url_is_reported_in_one_line() -> None:
    process = alembic("mysql://somewhere/thoughts", "upgrade", "head")
    assert process.returncode != 0
    assert process.stderr.startswith("Cannot start. DATABASE_URL: must be a postgresql:// URL such as ")
    assert process.stderr.count("\n") == 1


@pytest.fixture
def ordinary_url(url: str) -> Iterator[str]:
    """The URL of an empty database for its owner, who is no superuser."""
    role, database = f"owner_{uuid4().hex[:8]}", url.rpartition("/")[2]
    with connect(url) as connection:
        connection.cursor().execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
        connection.cursor().execute(f'ALTER DATABASE "{database}" OWNER TO {role}')
        connection.cursor().execute(f"ALTER SCHEMA public OWNER TO {role}")
    yield re.sub("//[^@]+@", f"//{role}:secret@", url)
    with connect(url) as connection:
        connection.cursor().execute(f"REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_role_that_may_not_create_the_extension_is_told_in_one_line_what_to_do(ordinary_url: str) -> None:
    process = alembic(ordinary_url, "upgrade", "head")
    assert process.returncode == 1
    assert process.stderr.startswith("Cannot migrate. Only a superuser of PostgreSQL may create the extension pgvector")
    assert process.stderr.count("\n") == 1
    assert not any(schema(ordinary_url).values()), "nothing is left of an upgrade that stopped"


def test_a_role_that_is_no_superuser_migrates_once_the_extension_exists(url: str, ordinary_url: str) -> None:
    with connect(url) as connection:
        connection.cursor().execute("CREATE EXTENSION vector")
    run_alembic(ordinary_url, "upgrade", "head")
    assert any(schema(ordinary_url).values())
