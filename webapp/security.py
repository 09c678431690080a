"""Headers on every answer, and the refusal of what other sites make a browser send."""

from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.exceptions import Forbidden

from webapp.services import services

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "worker-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": browsers then send "Origin: null" with our own forms, too, and foreign ones look the same.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""What a page on the loopback address is called. Flask's TRUSTED_HOSTS takes no [::1], and its refusal has no links."""

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def register(app: Flask) -> None:
    """Guard every request and dress every answer."""
    app.before_request(require_own_host)
    app.before_request(require_same_site)
    app.after_request(_add_headers)


def require_own_host() -> None:
    """With TRUST_USER_ID a page may be called by this machine's own names alone. Raises Forbidden.

    Else another site could lead its own name to the loopback address, be the same site, and read everybody's thoughts.
    """
    if services().settings.trust_user_id and urlsplit(f"//{request.host}").hostname not in LOOPBACK_HOSTS:
        raise Forbidden(
            "With TRUST_USER_ID=true this answers to localhost, 127.0.0.1 and [::1] only. Else set it to false."
        )


def require_same_site() -> None:
    """Stop what another site made somebody's browser send; programs send neither header. Raises Forbidden.

    A browser over TLS says itself where a request comes from. Over HTTP it names the origin only, which must then be
    the host it asked. The cookie's SameSite=Lax counts other ports of the same host as the same site.
    """
    if request.method in SAFE_METHODS:
        return
    told, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    foreign = told not in {"same-origin", "none"} if told else origin is not None and _host(origin) != request.host
    if foreign:
        raise Forbidden("This request came from another site.")


def _host(origin: str) -> str | None:
    """Host and port of an Origin header; None for what is no address, which is nobody's site."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "private, no-store")
    return response
