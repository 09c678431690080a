"""Checks, before a process starts, that it can ever work with the database of DATABASE_URL."""

from typing import Any, Final

import psycopg2
from sqlalchemy import make_url

from contracts.database_session import UnusableDatabaseError, open_session

CHECK_SECONDS: Final = 2
"""How long the check waits for a server that does not answer."""

_POOLER_REFUSES: Final = "unsupported startup parameter"
"""What PgBouncer says about `options`, unless it is configured to ignore them."""


def check_database(url: str) -> None:
    """Raise UnusableDatabaseError, with one line, when no process can ever work with the database as it is.

    A server that does not answer now may answer later: then the processes start and wait for it.
    """
    try:
        session = open_session(url, "check", connect_seconds=CHECK_SECONDS)
    except UnusableDatabaseError:
        raise
    except psycopg2.OperationalError as error:
        _check_options(url, error)
        return
    try:
        _check_schema(session)
    finally:
        session.close()


def require_usable_database(url: str) -> None:
    """Raise SystemExit, with one line, when the database is unusable, so that no process starts on it."""
    try:
        check_database(url)
    except UnusableDatabaseError as error:
        raise SystemExit(f"Cannot start. {error}") from None


def _check_options(url: str, error: Exception) -> None:
    """Raise UnusableDatabaseError when a pooler refuses all options, or PostgreSQL refuses only those of the URL."""
    if _POOLER_REFUSES in str(error):
        raise UnusableDatabaseError(
            "DATABASE_URL: the pooler in front of PostgreSQL refuses the options of a session; let it ignore them "
            "(PgBouncer: ignore_startup_parameters = options), because each session sets them itself"
        )
    without_options = make_url(url).difference_update_query(["options"])
    if without_options == make_url(url):
        return
    try:
        open_session(without_options.render_as_string(False), "check", connect_seconds=CHECK_SECONDS).close()
    except psycopg2.OperationalError:
        return
    line = str(error).strip().partition("\n")[0].rpartition("FATAL:")[2].strip()
    raise UnusableDatabaseError(f"DATABASE_URL: PostgreSQL rejects its options: {line}")


def _check_schema(session: Any) -> None:
    with session.cursor() as cursor:
        cursor.execute("SELECT current_schema(), current_setting('search_path')")
        schema, search_path = cursor.fetchone()
    if schema is None:
        raise UnusableDatabaseError(
            f"DATABASE_URL: no schema of the search_path {search_path} exists, or this role may not use it; create it "
            "with CREATE SCHEMA, or change the options"
        )
