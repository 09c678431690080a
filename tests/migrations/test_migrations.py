"""The migrations lead from nothing to the models and back, in one line."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from contracts.tables import metadata
from tests.eventually import eventually
from tests.migrations.alembic import alembic, ask, connected, empty_database, schema, succeed
from tests.stores import ROOT, Stores

WAITING = """
    SELECT objid::bigint FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
     WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()
"""


@pytest.fixture
def url(stores: Stores) -> Iterator[str]:
    with empty_database(stores) as made:
        yield made


def test_the_tables_come_go_and_come_back(url: str) -> None:
    succeed(url, "upgrade", "head")
    made = schema(url)
    succeed(url, "downgrade", "base")
    assert not any(schema(url).values())
    succeed(url, "upgrade", "head")
    assert schema(url) == made


def test_the_migrations_make_exactly_the_models(url: str, stores: Stores) -> None:
    """By Alembic's own comparison, and by the catalogue's, which also sees defaults, constraints and fill factors."""
    succeed(url, "upgrade", "head")
    assert "No new upgrade operations detected" in succeed(url, "check")
    with empty_database(stores) as other:
        engine = create_engine(other.replace("postgresql://", "postgresql+psycopg2://"))
        metadata.create_all(engine)
        engine.dispose()
        assert schema(url) == schema(other)


def test_the_revisions_form_one_line_numbered_without_gaps() -> None:
    script = ScriptDirectory.from_config(Config(toml_file=ROOT / "pyproject.toml"))
    revisions = [found.revision for found in script.walk_revisions()][::-1]
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]
    assert script.get_heads() == [revisions[-1]]


def test_a_file_is_named_after_its_revision() -> None:
    for path in (ROOT / "migrations" / "versions").glob("*.py"):
        if path.name != "__init__.py":
            assert f'revision = "{path.name[:4]}"' in path.read_text()


def test_upgrading_again_changes_nothing(url: str) -> None:
    succeed(url, "upgrade", "head")
    made = schema(url)
    succeed(url, "upgrade", "head")
    assert schema(url) == made


def test_replicas_that_start_together_migrate_one_after_the_other(url: str) -> None:
    """The second waits, before it looks at the tables, until the first has committed."""
    [lock] = re.findall(r"^MIGRATION_LOCK = (\d+)$", (ROOT / "migrations" / "env.py").read_text(), re.MULTILINE)
    with connected(url) as first, ThreadPoolExecutor(1) as second:
        ask(first, f"SELECT pg_advisory_lock({lock})")
        done = second.submit(alembic, url, "upgrade", "head")
        try:
            eventually(lambda: ask(first, WAITING) == [(int(lock),)])
            assert not any(schema(url).values())
        finally:
            ask(first, f"SELECT pg_advisory_unlock({lock})")
        assert done.result().returncode == 0, done.result().stderr
    assert any(schema(url).values())


def test_one_user_has_one_thought_a_turn_among_the_open_ones(url: str) -> None:
    succeed(url, "upgrade", "head")
    [line] = [definition for _, name, definition in schema(url)["indexes"] if name == "thoughts_line"]
    assert re.search(r"CREATE UNIQUE INDEX .* \(user_id, turn\) WHERE \(finished_at IS NULL\)$", line)


def test_a_wrong_address_is_said_in_one_line() -> None:
    done = alembic("mysql://somewhere/thoughts", "upgrade", "head")
    assert done.returncode != 0
    assert done.stderr == "Cannot start. DATABASE_URL: must be a postgresql:// address\n"
