"""Reads what is stored about a person besides the thoughts, page by page, for the export."""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database, Row
from webapp.accounts.owners import OWNERS
from webapp.queries import read

PAGE_LENGTH: Final = 500

PERSON: Final = text("""
    SELECT id, email, is_anonymous, created_at, profile, profile_version FROM users WHERE id = :user
""")
"""The account, or the anonymous user, and its profile; no row before its first thought or profile."""

JOINED_BROWSERS: Final = text("""
    SELECT id AS user_id, created_at, profile, profile_version FROM users
     WHERE account_id = :user ORDER BY created_at, id
""")
"""The anonymous users that joined the account, and the profiles with which their thoughts were written."""

FORMER_PROFILES: Final = text(f"""
    SELECT user_id, version, profile, replaced_at FROM former_profiles
     WHERE user_id IN ({OWNERS}) AND (CAST(:after_user AS uuid) IS NULL
                                       OR (user_id, version) > (CAST(:after_user AS uuid), CAST(:after AS bigint)))
     ORDER BY user_id, version LIMIT :limit
""")  # noqa: S608  all parts are constants
"""A page of the profiles that were replaced. Each user counts its own versions."""

SECURITY_EVENTS: Final = text(f"""
    SELECT id AS position, at, kind, address, details FROM security_events
     WHERE user_id IN ({OWNERS}) AND id > :after ORDER BY id LIMIT :limit
""")  # noqa: S608  all parts are constants
"""A page of what happened to the account, and to the browsers that joined it."""

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
    """Yield user_id, version, profile and replaced_at of the replaced profiles, the first one of each user first.

    Raises SQLAlchemyError.
    """
    position: dict[str, Any] = {"after_user": None, "after": None}
    while rows := read(database, FORMER_PROFILES, user=user_id, limit=PAGE_LENGTH, **position):
        yield from (row._asdict() for row in rows)
        position = {"after_user": rows[-1].user_id, "after": rows[-1].version}


def joined_browsers(database: Database, user_id: UUID) -> list[dict[str, Any]]:
    """Return user_id, created_at, profile and profile_version of the joined users. Raises SQLAlchemyError."""
    return [row._asdict() for row in read(database, JOINED_BROWSERS, user=user_id)]


def security_events(database: Database, user_id: UUID) -> Iterator[dict[str, Any]]:
    """Yield at, kind, address and details of what happened to the account, in order. Raises SQLAlchemyError."""
    after = -1
    while rows := read(database, SECURITY_EVENTS, user=user_id, after=after, limit=PAGE_LENGTH):
        for row in rows:
            fields = row._asdict()
            after = fields.pop("position")
            yield fields


def tokens(database: Database, user_id: UUID) -> list[dict[str, Any]]:
    """Return name, scopes and times of the API tokens. Raises SQLAlchemyError."""
    return [row._asdict() for row in read(database, TOKENS, user=user_id)]


def webhooks(database: Database, user_id: UUID) -> list[dict[str, Any]]:
    """Return address, events and outcomes of the webhooks. Raises SQLAlchemyError."""
    return [row._asdict() for row in read(database, WEBHOOKS, user=user_id)]
