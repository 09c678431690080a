"""Logs each request that is refused because of its sender or its origin, so that a log collector sees attacks.

Those are the answers 401 and 403. Code that refuses with another status, such as the 404 of a foreign thought, calls
`note`.
"""

import logging
from typing import Final

from flask import Flask, Response, g, request

log = logging.getLogger(__name__)

_REASONS: Final = {401: "it has no valid token", 403: "its sender may not do this"}


def register(app: Flask) -> None:
    """Install the log. Register it before what refuses requests: it then sees every answer."""
    app.after_request(_log_refusal)


def note(reason: str) -> None:
    """Note why this request is refused. `reason` is a clause about the request, without a secret or a text."""
    g.refusal_reason = reason


def _log_refusal(response: Response) -> Response:
    """Log one line. It names the route, not the address, which may hold a secret or ids of others."""
    status = response.status_code
    reason = g.get("refusal_reason") or _REASONS.get(status)
    if reason is not None:
        route = request.url_rule.rule if request.url_rule else "unknown"
        ids = {"address": request.remote_addr or "", "user_id": g.get("current_user")}
        log.info("%s %s is refused with %s: %s", request.method, route, status, reason, extra=ids)
    return response
