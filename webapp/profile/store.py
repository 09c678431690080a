"""Reads and replaces the profiles of users in PostgreSQL."""

import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database
from webapp.profile.model import Profile
from webapp.queries import read
from webapp.users import INSERT_USER, AccountDeletedError

SELECT_PROFILE: Final = text("SELECT profile, profile_version AS version FROM users WHERE id = :user")
"""The present profile of a user and its version; no row before the user's first thought or profile."""

REPLACE_PROFILE: Final = text("""
    WITH old AS (
      SELECT id, profile, profile_version FROM users
       WHERE id = COALESCE((SELECT account_id FROM users WHERE id = :user), :user) AND account_id IS NULL
         AND deleted_at IS NULL
         FOR NO KEY UPDATE),
    new AS (
      UPDATE users SET profile = CAST(:profile AS jsonb), profile_version = users.profile_version + 1
        FROM old
       WHERE users.id = old.id AND old.profile <> CAST(:profile AS jsonb)
         AND old.profile_version = COALESCE(CAST(:expected AS bigint), old.profile_version)
      RETURNING users.profile, users.profile_version),
    former AS (
      INSERT INTO former_profiles (user_id, version, profile, replaced_at)
      SELECT old.id, old.profile_version, old.profile, clock_timestamp() FROM old, new)
    SELECT COALESCE(new.profile_version, old.profile_version) AS version, COALESCE(new.profile, old.profile) AS profile,
           new.profile_version IS NOT NULL OR old.profile = CAST(:profile AS jsonb) AS stored
      FROM old LEFT JOIN new ON true
""")
"""Replaces a user's profile, raises its version and keeps the replaced one. No row means that the user is unknown,
has deleted the account, or has joined one at this moment. When it joined before, the profile is the account's.

The guards are the profile itself and :expected, the version that the author edited, or NULL for any: repeating the
statement after a lost answer finds an equal profile, changes nothing and is answered with `stored` again; with another
profile and a version that is not the present one, nothing changes and `stored` is false.

CLAIM gives a thought the oldest profile that was replaced after the thought was written. All steps of a thought see the
same one, because `replaced_at` is read under the lock of the user's row, which ACCEPT holds too: a thought that was
accepted before the lock was taken was written before it, and a thought that is accepted after it finds this row."""


@dataclass(frozen=True, slots=True)
class VersionedProfile:
    """A profile and its version: 0 before the first change."""

    version: int
    profile: Profile


@dataclass(frozen=True, slots=True)
class Replacement:
    """The answer of REPLACE_PROFILE: the present profile, and whether it is the sent one."""

    present: VersionedProfile
    stored: bool


def find_profile(database: Database, user_id: UUID) -> VersionedProfile:
    """Return the user's profile: an empty one with version 0 when the user is unknown.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    rows = read(database, SELECT_PROFILE, user=user_id)
    return _versioned(rows[0]) if rows else VersionedProfile(0, Profile())


def replace_profile(database: Database, user_id: UUID, profile: Profile, expected: int | None) -> Replacement:
    """Replace the user's profile, if its version is still `expected` (None: any version). Repeating it is harmless.

    Raises AccountDeletedError, and SQLAlchemyError when PostgreSQL is unavailable; the caller may repeat the call.
    """
    parameters = {"user": user_id, "profile": json.dumps(profile.to_stored()), "expected": expected}
    row = database.row(REPLACE_PROFILE, **parameters)
    if row is None:
        database.rows(INSERT_USER, id=user_id)
        row = database.row(REPLACE_PROFILE, **parameters)
    if row is None:
        raise AccountDeletedError("the account was deleted")
    return Replacement(_versioned(row), row.stored)


def _versioned(row: Any) -> VersionedProfile:
    return VersionedProfile(row.version, Profile.from_stored(row.profile))
