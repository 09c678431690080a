"""Assembles Flask-Limiter from the table of limits, and installs it.

Two limiters count in the same Redis. One is for everything that must go on without Redis: while Redis is unavailable,
each web process keeps its own counters. The other is for what must not go on, above all sign-ins: its errors become a
503.
"""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from flask import Flask, g, request
from flask_limiter import ApplicationLimit, Limiter, RateLimitExceeded
from limits.errors import StorageError

from contracts.setting_values import NO_LIMIT
from webapp.limits import costs, device_cookie, headers, refusals, storage
from webapp.limits.subjects import key_of
from webapp.limits.table import FAIL_CLOSED, LIMITS, Limit, kinds_of
from webapp.services import Services

STRATEGY: Final = "fixed-window"
"""A window begins with its first request, so a client that waits as long as it is told is served."""


def register(app: Flask, services: Services) -> None:
    """Install the limits. Nothing connects before the first request.

    With TRUST_USER_ID only sign-ins and their like are limited: every request comes from this machine, and may name
    any user, so neither its address nor its cookie says who sends it.
    """
    costs.register(app)
    limits = [limit for limit in LIMITS if getattr(services.settings, limit.setting) != NO_LIMIT]
    closed_limits = [limit for limit in limits if limit.kind in FAIL_CLOSED]
    open_limits = [limit for limit in limits if limit.kind not in FAIL_CLOSED and not services.settings.trust_user_id]
    app.before_request(partial(_find_keys, [*closed_limits, *open_limits]))
    closed = _limiter(services, closed_limits, counts_without_redis=False)
    limiters = [closed, _limiter(services, open_limits, counts_without_redis=True)]
    for limiter in limiters:
        limiter.init_app(app)
    logging.getLogger("flask-limiter").setLevel(logging.WARNING)  # it logs each refusal, with the address
    app.extensions["thoughts_limiters"] = limiters
    app.register_error_handler(RateLimitExceeded, refusals.refuse)
    app.register_error_handler(StorageError, refusals.refuse_uncounted)
    app.after_request(headers.add_headers)
    device_cookie.register(app)


def _limiter(services: Services, limits: list[Limit], *, counts_without_redis: bool) -> Limiter:
    settings = services.settings
    options: dict[str, Any] = {
        "connection_pool": services.counter_pool,
        "key_prefix": f"{settings.redis_prefix}:limits",
        "wrap_exceptions": True,
    }
    return Limiter(
        lambda: "",
        application_limits=[_application_limit(limit, getattr(settings, limit.setting)) for limit in limits],
        storage_uri=f"{storage.SCHEME}://",
        storage_options=options,
        strategy=STRATEGY,
        in_memory_fallback_enabled=counts_without_redis,
    )


def _application_limit(limit: Limit, value: str) -> ApplicationLimit:
    return ApplicationLimit(
        limit_provider=value,
        scope=limit.name,
        key_function=partial(_key, limit),
        exempt_when=partial(_is_exempt, limit),
        cost=partial(costs.cost_of, limit),
    )


def _find_keys(limits: Sequence[Limit]) -> None:
    """Find the counters of the request before Flask-Limiter counts.

    Flask-Limiter takes every error, also one of a key, for an outage of Redis, after which each process counts alone.
    """
    if request.endpoint is None:
        return
    kinds = kinds_of(request.endpoint, request.method, request.args)
    keys = {limit: key_of(limit) for limit in limits if limit.kind in kinds}
    g.limit_keys = {limit: key for limit, key in keys.items() if key is not None}


def _is_exempt(limit: Limit) -> bool:
    return limit not in g.get("limit_keys", {})


def _key(limit: Limit) -> str:
    return str(g.limit_keys[limit])
