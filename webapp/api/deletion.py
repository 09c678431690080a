"""Deletes a thought for its author, with everything that was made of it."""

from uuid import UUID

from webapp import access, deletion
from webapp.accounts.security_events import log_event
from webapp.erased_quotes import erase_quotes
from webapp.event_recording import client_address
from webapp.services import services


def delete(thought_id: UUID) -> None:
    """Delete a thought permanently; deleting it again changes nothing.

    Raises a not-found problem, and SQLAlchemyError when PostgreSQL is unavailable.
    """
    owner = access.require_deletable(thought_id)
    deletion.delete(services().database, thought_id, client_address())
    log_event("thought-deleted", owner, client_address())
    erase_quotes(services().database, thought_id)
    services().background_publisher.delete_history(owner)
