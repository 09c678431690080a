"""Reads what is stored about a person besides the thoughts, page by page, for the export."""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, text

from contracts.database import Database, Row
from webapp.queries import read

PAGE_LENGTH: Final = 500

PERSON: Final = text("""
    SELECT id, email, is_anonymous, created_at, profile, profile_version FROM users WHERE id = :user
""")
"""The account, or the anonymous user, and its profile; no row before its first thought or profile."""

FORMER_PROFILES: Final = text("""
    SELECT version AS position, version, profile, replaced_at FROM former_profiles
     WHERE user_id = :user AND version > :after ORDER BY version LIMIT :limit
""")
"""A page of the profiles that were replaced."""

SECURITY_EVENTS: Final = text("""
    SELECT id AS position, at, kind, address, details FROM security_events
     WHERE user_id = :user AND id > :after ORDER BY id LIMIT :limit
""")
"""A page of what happened to the account."""

TOKENS: Final = text("""
    SELECT name, scopes, created_at, expires_at, last_used_at FROM api_tokens WHERE user_id = :user ORDER BY created_at
""")
"""The API tokens of an account, without what they open."""


WEBHOOKS: Final = text("""
    SELECT url, events, with_text, created_at, last_sent_at, last_result, failing_since, disabled_at FROM webhooks
     WHERE user_id = :user ORDER BY created_at
""")
"""The webhooks of an account, without the key of their signatures."""


def find_person(database: Database, user_id: UUID) -> Row | None:
    """Return the person's row, or None when nothing is stored about them. Raises SQLAlchemyError."""
    return next(iter(read(database, PERSON, user=user_id)), None)


def former_profiles(database: Database, user_id: UUID) -> Iterator[dict[str, Any]]:
    """Yield version, profile and replaced_at of the replaced profiles, the first one first. Raises SQLAlchemyError."""
    return _pages(database, FORMER_PROFILES, user_id)


def security_events(database: Database, user_id: UUID) -> Iterator[dict[str, Any]]:
    """Yield at, kind, address and details of what happened to the account, in order. Raises SQLAlchemyError."""
    return _pages(database, SECURITY_EVENTS, user_id)


def tokens(database: Database, user_id: UUID) -> list[dict[str, Any]]:
    """Return name, scopes and times of the API tokens. Raises SQLAlchemyError."""
    return [row._asdict() for row in read(database, TOKENS, user=user_id)]


def webhooks(database: Database, user_id: UUID) -> list[dict[str, Any]]:
    """Return address, events and outcomes of the webhooks. Raises SQLAlchemyError."""
    return [row._asdict() for row in read(database, WEBHOOKS, user=user_id)]


def _pages(database: Database, statement: TextClause, user_id: UUID) -> Iterator[dict[str, Any]]:
    after = -1
    while rows := read(database, statement, user=user_id, after=after, limit=PAGE_LENGTH):
        for row in rows:
            fields = row._asdict()
            after = fields.pop("position")
            yield fields
