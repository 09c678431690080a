"""Writes what a request does to an account into its security log, with the address of the client."""

import logging
from typing import Any
from uuid import UUID

from flask import Response, request
from sqlalchemy.exc import SQLAlchemyError

from contracts.database import Database, database_trouble
from contracts.trouble_log import log_trouble
from webapp.accounts import security_events
from webapp.services import services

log = logging.getLogger(__name__)


def record(kind: security_events.Kind, user_id: UUID, **details: Any) -> None:
    """Add an event of this request. Raises SQLAlchemyError when PostgreSQL is unavailable."""
    security_events.record(services().database, kind, user_id, client_address(), **details)


def client_address() -> str:
    """Return the network address of the client, or an empty text."""
    return request.remote_addr or ""


def record_failed_sign_in(response: Response, user_id: UUID) -> Response:
    """Write the failed sign-in into the security log of the account after the response was sent; return the response.

    So the time of the answer does not tell which addresses are those of accounts.
    """
    database, address = services().database, client_address()
    response.call_on_close(lambda: _record(database, user_id, address))
    return response


def _record(database: Database, user_id: UUID, address: str) -> None:
    try:
        security_events.record(database, "sign-in-failed", user_id, address)
    except SQLAlchemyError as error:
        consequence = "the security log lacks a failed sign-in"
        log_trouble(log, database_trouble(error), consequence, extra={"user_id": user_id, "address": address})
