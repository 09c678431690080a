"""Decides who may read the figures of this installation: GET /metrics, and the details of GET /health/ready.

With METRICS_TOKEN, clients that send it. Without it, programs of this machine, and everybody with TRUST_USER_ID, which
is only for pages that no other person can reach. They say how much is written and what does not work, never a text.
"""

import hmac

from flask import Flask, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized

from webapp.request_origin import is_from_this_machine
from webapp.services import services

METRICS_ENDPOINT = "metrics.metrics"


def register(app: Flask) -> None:
    """Install the check of GET /metrics, whose module knows no settings."""
    app.before_request(_require_permission)


def may_read_figures() -> bool:
    """Return whether the sender of the request may read the figures."""
    settings = services().settings
    if settings.metrics_token is None:
        return settings.trust_user_id or is_from_this_machine()
    return _is_equal(_bearer_token(), settings.metrics_token.get_secret_value())


def _require_permission() -> None:
    """Raises Unauthorized or Forbidden, which says how to get permission."""
    if request.endpoint != METRICS_ENDPOINT or may_read_figures():
        return
    if services().settings.metrics_token is not None:
        raise Unauthorized("Send METRICS_TOKEN as a bearer token.", www_authenticate=WWWAuthenticate("bearer"))
    raise Forbidden("Only programs of this machine may read the metrics, because METRICS_TOKEN is not set.")


def _bearer_token() -> str:
    authorization = request.authorization
    is_bearer = authorization is not None and authorization.type == "bearer"
    return (authorization.token or "") if authorization is not None and is_bearer else ""


def _is_equal(sent: str, expected: str) -> bool:
    """Compare in constant time, so that the time of the answer tells nothing about the token."""
    return hmac.compare_digest(sent.encode("utf-8", "surrogatepass"), expected.encode())
