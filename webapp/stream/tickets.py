"""Tickets of streams: EventSource cannot send an Authorization header, so a client that has no cookie gets a ticket
with a POST and puts it into the address of its stream.

A ticket opens one stream of one user, once, within TICKET_SECONDS, while the token or the sign-in that got it is valid.
Redis keeps its hash, so that reading Redis does not open a stream. An address may come into the log of a proxy; the
ticket in it is used by then.
"""

import json
from typing import Final
from uuid import UUID

import redis

from webapp.accounts.admissions import Admission
from webapp.accounts.secrets import hash_token, new_token

TICKET_SECONDS: Final = 30


def issue(client: redis.Redis, prefix: str, admission: Admission) -> str:
    """Return a new ticket for a stream of the admission's user. Raises redis.RedisError when Redis is unavailable."""
    ticket = new_token()
    ids = (admission.user_id, admission.token_id, admission.sign_in_id)
    client.set(_key(prefix, ticket), json.dumps([value and str(value) for value in ids]), ex=TICKET_SECONDS)
    return ticket


def redeem(client: redis.Redis, prefix: str, ticket: str) -> Admission | None:
    """Return what a ticket stands for, which no second call can get, or None when it is unknown, used or too old.

    Raises redis.RedisError when Redis is unavailable. When its answer was lost, the ticket may be used.
    """
    stored = client.getdel(_key(prefix, ticket))
    if not isinstance(stored, bytes):
        return None
    user_id, token_id, sign_in_id = (value and UUID(value) for value in json.loads(stored))
    return Admission(user_id, token_id, sign_in_id)


def _key(prefix: str, ticket: str) -> str:
    return f"{prefix}:ticket:{hash_token(ticket).hex()}"
