"""Tells clients their limits in the headers RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10).

Flask-Limiter has only the older X-RateLimit-*, for one limit per response and without its name.
"""

import logging

from flask import Response
from limits import RateLimitItem
from limits.errors import StorageError

from contracts.refusals import redis_trouble
from contracts.trouble_log import log_trouble
from webapp.limits.counted import breached_limit, counted_limits, name_of, seconds_left

log = logging.getLogger(__name__)


def add_headers(response: Response) -> Response:
    """Add all limits that the request counted for, and what is left of one of them: the one that refused, or the first.

    What is left of the others would be two more calls of Redis for each.
    """
    counted = counted_limits()
    if not counted:
        return response
    shown = breached_limit() or counted[0]
    policies = (policy(name_of(each), each.limit) for each in counted)
    response.headers["RateLimit-Policy"] = ", ".join(policies)
    try:
        left = f"r={shown.remaining};t={seconds_left(shown)}"
    except StorageError as error:
        log_trouble(log, redis_trouble(error), "a response lacks the header RateLimit")
        return response
    response.headers["RateLimit"] = f"{policy_name(name_of(shown), shown.limit)};{left}"
    return response


def policy_name(name: str, limit: RateLimitItem) -> str:
    """Return the name of a policy as a quoted string: the limit and the window, because a limit may have several."""
    return f'"{name}/{limit.get_expiry()}s"'


def policy(name: str, limit: RateLimitItem) -> str:
    """Return one item of RateLimit-Policy: the quota `q` of requests in a window of `w` seconds."""
    return f"{policy_name(name, limit)};q={limit.amount};w={limit.get_expiry()}"
