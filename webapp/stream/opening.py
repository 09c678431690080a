"""Decides who may open a user's stream: by the ticket in its address, or else like every other request.

A client whose ticket was used gets 401, with which EventSource ends and does not reconnect. It then sends the POST for
another ticket, and opens a new EventSource with it; `last_event_id` in the address continues after the last event that
it got, because a new EventSource sends no Last-Event-ID.
"""

import logging
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import redis
from flask import Response, request, url_for

from contracts.refusals import redis_trouble
from contracts.trouble_log import log_trouble
from webapp import access, bearer, identity
from webapp.accounts import admissions
from webapp.accounts.admissions import Admission
from webapp.operations import described
from webapp.problem_types import OTHER_USER, TICKET_USED
from webapp.problems import service_unavailable
from webapp.representations import StreamLink, StreamTicket, json_response
from webapp.services import services
from webapp.stream import tickets
from webapp.stream.description import TICKET, StreamQuery

log = logging.getLogger(__name__)

Result = TypeVar("Result")


def admit(user_id: UUID) -> Admission | None:
    """Return what admits the client to this user's stream; None when TRUST_USER_ID admits all.

    Raises Forbidden for another user's stream, Unauthorized for a ticket that opens none, and ServiceUnavailable.
    """
    ticket = _query().ticket
    if ticket is None or bearer.is_sent():
        if access.trusts_every_client():
            return None
        admission = identity.admission()
    else:
        admission = _redeem(ticket)
    if admission is None or admission.user_id != user_id:
        raise OTHER_USER.error("You cannot read another user's stream.")
    return admission


def requested_event_id() -> str | None:
    """Return after which event the client wants to continue."""
    return request.headers.get("Last-Event-ID") or _query().last_event_id


@described(TICKET)
def new_ticket() -> Response:
    """Return a ticket for one stream of the request's user, and the address that it opens.

    Raises Unauthorized when the request has no user, and ServiceUnavailable when Redis is.
    """
    admission = identity.admission()
    if admission is None:
        raise bearer.missing_credentials()
    parts = services()
    ticket = _call_redis(lambda: tickets.issue(parts.redis, parts.settings.redis_prefix, admission))
    links = StreamLink(stream=url_for("sse.stream", user_id=admission.user_id, ticket=ticket))
    return json_response(StreamTicket(ticket=ticket, expires_in_seconds=tickets.TICKET_SECONDS, links=links), 201)


def _query() -> StreamQuery:
    return StreamQuery.model_validate(request.args.to_dict())


def _redeem(ticket: str) -> Admission:
    parts = services()
    admission = _call_redis(lambda: tickets.redeem(parts.redis, parts.settings.redis_prefix, ticket))
    if admission is None or not admissions.is_valid(parts.database, admission):
        raise TICKET_USED.error(
            "This ticket was used, is older than "
            f"{tickets.TICKET_SECONDS} seconds, or its token was deleted. Send POST /thoughts/stream/ticket for "
            "another one, and open the stream with it.",
            www_authenticate=bearer.challenge({}),
        )
    return admission


def _call_redis(call: Callable[[], Result]) -> Result:
    try:
        return call()
    except redis.RedisError as error:
        log_trouble(log, redis_trouble(error), "no ticket of a stream can be issued or used")
        raise service_unavailable("Tickets are unavailable at the moment. Try again in a moment.") from None
