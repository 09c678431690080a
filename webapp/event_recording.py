"""Writes what a request does to an account into its security log, with the address of the client."""

import logging
from functools import partial
from typing import Any, Final
from uuid import UUID

from flask import Response, request
from sqlalchemy.exc import SQLAlchemyError

from contracts.database import Database, database_trouble
from contracts.trouble_log import log_trouble
from webapp.accounts import security_events
from webapp.services import services

log = logging.getLogger(__name__)

_IF_LOST: Final = "the security log lacks a failed sign-in"


def record(kind: security_events.Kind, user_id: UUID, **details: Any) -> None:
    """Add an event of this request. Raises SQLAlchemyError when PostgreSQL is unavailable."""
    security_events.record(services().database, kind, user_id, client_address(), **details)


def client_address() -> str:
    """Return the network address of the client, or an empty text."""
    return request.remote_addr or ""


def record_failed_sign_in(response: Response, user_id: UUID | None) -> Response:
    """Write the failed sign-in into the security log of the account after the response was sent; return the response.

    A background thread writes it: gunicorn closes a response before it reads the next request of the connection, so
    the answer to that one would take longer for a known address. For an unknown one (None) the same statement runs,
    and adds nothing.
    """
    database, writer, address = services().database, services().background_writer, client_address()
    write = partial(_record, database, user_id, address)
    response.call_on_close(lambda: writer.add(write, _IF_LOST, user_id=user_id, address=address))
    return response


def _record(database: Database, user_id: UUID | None, address: str) -> None:
    try:
        security_events.record(database, "sign-in-failed", user_id, address)
    except SQLAlchemyError as error:
        log_trouble(log, database_trouble(error), _IF_LOST, extra={"user_id": user_id, "address": address})
