"""Runs the migrations on the database of DATABASE_URL, one process at a time. Alembic executes this file."""

from alembic import context
from sqlalchemy import text

from contracts import webhook_tables  # noqa: F401  its tables are part of the metadata
from contracts.database import make_migration_engine
from contracts.database_check import require_usable_database
from contracts.settings import load_settings_or_exit
from contracts.tables import metadata

MIGRATION_LOCK = 7401
"""The advisory lock that makes replicas which start at the same time migrate one after the other."""


def migrate() -> None:
    """Run the missing migrations in one transaction."""
    url = load_settings_or_exit().database_url
    require_usable_database(url)
    with make_migration_engine(url).begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        context.configure(connection=connection, target_metadata=metadata)
        context.run_migrations()


migrate()
