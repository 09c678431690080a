"""What admits a stream or a ticket, so that both end with it: an API token, a sign-in, or an anonymous cookie."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database
from webapp.accounts.sign_ins import ABSOLUTE_LIMIT
from webapp.queries import read

IS_VALID: Final = text("""
    SELECT u.disabled_at IS NULL AND u.deleted_at IS NULL AND CASE
             WHEN CAST(:token AS uuid) IS NOT NULL THEN EXISTS (
               SELECT FROM api_tokens t WHERE t.id = :token AND t.user_id = u.id AND t.expires_at > now())
             WHEN CAST(:sign_in AS uuid) IS NOT NULL THEN EXISTS (
               SELECT FROM sign_ins s
                WHERE s.id = :sign_in AND s.user_id = u.id AND s.created_at > now() - CAST(:absolute AS interval))
             ELSE u.is_anonymous AND u.account_id IS NULL
           END AS is_valid
      FROM users u WHERE u.id = :user
""")
"""Whether an admission still speaks for its user; no row for an anonymous user before the first thought."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What admitted a request: the ids of its token or its sign-in, or only the user of an anonymous cookie."""

    user_id: UUID
    token_id: UUID | None = None
    sign_in_id: UUID | None = None


def is_valid(database: Database, admission: Admission) -> bool:
    """Return whether the admission would still admit a request. Raises SQLAlchemyError."""
    token, sign_in = admission.token_id, admission.sign_in_id
    rows = read(database, IS_VALID, user=admission.user_id, token=token, sign_in=sign_in, absolute=ABSOLUTE_LIMIT)
    return bool(rows[0].is_valid) if rows else token is None and sign_in is None
