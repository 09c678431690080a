"""The security log: what happened to an account, for its owner. It never holds a secret or the text of a thought.

An event also becomes a log line of the process, without its details, so that a log collector has it when the database
is lost. What operators and administrators do, what joins or deletes an account, and the deletion of a thought write
theirs in the same statement (`administration`, `reveals`, `joining`, `account_deletion`, `deletion`).
"""

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database
from webapp.accounts.owners import OWNERS
from webapp.queries import read

log = logging.getLogger(__name__)

Kind = Literal[
    "account-created", "signed-in", "sign-in-failed", "signed-out", "signed-out-everywhere", "password-changed",
    "email-changed", "reset-requested", "password-reset", "account-deleted", "thoughts-joined", "exported",
    "token-created", "token-deleted", "webhook-created", "webhook-deleted", "account-disabled", "account-enabled",
    "made-admin", "removed-admin", "text-revealed", "revealed-text", "thought-deleted", "sign-in-ended",
    "password-check-failed",
]  # fmt: skip
"""`text-revealed` is in the log of the thought's author, `revealed-text` in that of the administrator. `sign-in-ended`
is that of another browser, `password-check-failed` a wrong current password in a browser that is signed in."""

KEPT: Final = timedelta(days=180)
"""How long an event is shown. The next events delete older ones, EXPIRED_PER_EVENT each."""

EXPIRED_PER_EVENT: Final = 20
"""More than one, so that the deletions catch up, and few, so that no statement takes long."""

FAILURES_PER_HOUR: Final = 20
"""Failed sign-ins that follow each other in the log of one account: an attacker must not be able to fill the table."""

PAGE_LENGTH: Final = 50
"""Events on a page."""

EVERYTHING: Final = 2**63 - 1
"""A position before which every event is."""


DETAILS: Final = frozenset({"by", "method", "token_id", "name", "scopes", "webhook", "format", "thoughts"})
"""What an event may say besides its kind: who did it if not the person (`by`), how somebody signed in (`method`), a
token's id, name and scopes, the id of a `webhook`, the `format` of an export, and a number of thoughts. `record`
accepts nothing else, so that no secret or text gets into the log. A reveal writes its own row."""

INSERT_EVENT: Final = text("""
    WITH expired AS (
      DELETE FROM security_events WHERE id IN (
        SELECT id FROM (SELECT id, at FROM security_events ORDER BY id LIMIT CAST(:expired AS int)) oldest
         WHERE at < now() - CAST(:kept AS interval))),
    owner AS (SELECT FROM users WHERE id = CAST(:user AS uuid) AND deleted_at IS NULL FOR SHARE)
    INSERT INTO security_events (user_id, kind, address, details)
    SELECT CAST(:user AS uuid), CAST(:kind AS text), CAST(:address AS text), CAST(:details AS jsonb)
     WHERE (CAST(:user AS uuid) IS NULL OR EXISTS (SELECT FROM owner))
       AND (:kind <> 'sign-in-failed'
            OR CAST(:user AS uuid) IS NOT NULL AND
               (SELECT count(*) FROM (SELECT kind, at FROM security_events WHERE user_id = CAST(:user AS uuid)
                                       ORDER BY id DESC LIMIT CAST(:failures AS int)) latest
                 WHERE kind = 'sign-in-failed' AND at > now() - interval '1 hour') < CAST(:failures AS int))
""")
"""Adds an event, and deletes the oldest ones that have expired: by the primary key, so it reads few rows.

A failed sign-in is left out when the latest events of the account are as many others of the last hour, and when there
is no account. A repeat after a lost answer adds the event again, which only the reader of the log sees.

Nothing is added for an account that was deleted, because its addresses and details were erased. The lock of its row is
needed as in `tokens.INSERT_TOKEN`."""

READ_EVENTS: Final = text(f"""
    SELECT id, at, kind, address, details FROM security_events
     WHERE user_id IN ({OWNERS})
       AND id < :before AND at > now() - CAST(:kept AS interval)
     ORDER BY id DESC LIMIT CAST(:rows AS int)
""")  # noqa: S608  all parts are constants
"""The latest events of a user before an id, and of the anonymous users that joined the account."""


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """An event as its owner sees it. `address` is the client's network address, or empty."""

    id: int
    at: datetime
    kind: Kind
    address: str
    details: dict[str, Any]


def record(database: Database, kind: Kind, user_id: UUID | None, address: str = "", **details: Any) -> None:
    """Add an event of an account. `details` are values for JSON, by the names of DETAILS.

    Raises ValueError for another name, and SQLAlchemyError when PostgreSQL is unavailable.
    """
    if unknown := details.keys() - DETAILS:
        raise ValueError(f"The security log has no detail {', '.join(sorted(unknown))}: see DETAILS.")
    log_event(kind, user_id, address)
    values = {"user": user_id, "kind": kind, "address": address, "details": json.dumps(details)}
    limits = {"kept": KEPT, "expired": EXPIRED_PER_EVENT, "failures": FAILURES_PER_HOUR}
    database.rows(INSERT_EVENT, **values, **limits)


def log_event(kind: Kind, user_id: UUID | None, address: str) -> None:
    """Write the line of an event into the log of the process."""
    log.info("Security event: %s", kind, extra={"user_id": user_id, "address": address})


def page_of_events(
    database: Database, user_id: UUID, before: int = EVERYTHING
) -> tuple[list[SecurityEvent], int | None]:
    """Return the latest events before an id, the latest first, and the id before which the others are, or None.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    rows = read(database, READ_EVENTS, user=user_id, before=before, kept=KEPT, rows=PAGE_LENGTH + 1)
    events = [SecurityEvent(row.id, row.at, row.kind, row.address, row.details) for row in rows[:PAGE_LENGTH]]
    return events, events[-1].id if len(rows) > PAGE_LENGTH else None
