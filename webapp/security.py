"""Adds security headers to every response, and rejects requests that other sites make a browser send."""

from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.exceptions import Forbidden
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.sansio.utils import host_is_trusted

from webapp import bearer, refusal_log
from webapp.problem_types import FOREIGN_HOST, OTHER_SITE
from webapp.request_origin import is_for_loopback_host
from webapp.services import services

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "worker-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": browsers would send "Origin: null" with our own forms too, like with those of other sites.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def register(app: Flask) -> None:
    """Install the checks of every request and the headers of every response."""
    proxies = app.extensions["services"].settings.trusted_proxies
    if proxies:
        # Not X-Forwarded-Host: the proxy passes the Host header on, and a client could send the other one through it.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=0)  # type: ignore[method-assign]
    app.before_request(_require_served_host)
    app.before_request(_require_own_host)
    app.before_request(_require_same_site)
    app.after_request(_add_headers)


def _require_served_host() -> None:
    """Accept only the host names of ALLOWED_HOSTS, when it is set. Raises BadRequest.

    The checks of health are excepted: a load balancer names the address of the process, and they contain no link.
    """
    served = services().settings.served_hosts
    if served and request.blueprint != "health" and not host_is_trusted(request.host.lower(), served):
        refusal_log.note("its host name is not one of ALLOWED_HOSTS")
        raise FOREIGN_HOST.error("This host name is not served. Open the address of the site that you were given.")


def _require_own_host() -> None:
    """Accept only this machine's own host names while TRUST_USER_ID is on. Raises Forbidden.

    Otherwise another site could point its own name at the loopback address (DNS rebinding), count as the same site, and
    read every user's thoughts.
    """
    if services().settings.trust_user_id and not is_for_loopback_host():
        refusal_log.note("its host name is not one of this machine, and TRUST_USER_ID is on")
        raise Forbidden(
            "With TRUST_USER_ID=true only localhost, 127.0.0.1 and [::1] are served. "
            "Open one of these addresses, or set TRUST_USER_ID=false."
        )


def _require_same_site() -> None:
    """Reject requests that another site made a browser send. Raises Forbidden.

    Over TLS a browser sends Sec-Fetch-Site. Over HTTP it sends only Origin, which must equal the requested host: the
    cookie's SameSite=Lax counts other ports of the same host as the same site. Programs send neither header.

    A request with an Authorization header is exempt: no site can make a browser send a token that the site lacks.
    """
    if request.method in SAFE_METHODS or bearer.is_sent():
        return
    fetch_site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    is_cross_site = (
        fetch_site not in {"same-origin", "none"}
        if fetch_site
        else origin is not None and _host(origin) != request.host
    )
    if is_cross_site:
        refusal_log.note("another site made a browser send it")
        raise OTHER_SITE.error("This request came from another site. Open the page itself and try again.")


def _host(origin: str) -> str | None:
    """Return host and port of an Origin header, or None when it is no valid URL, which equals no host."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    settings = services().settings
    if request.is_secure and settings.hsts_seconds:
        subdomains = "; includeSubDomains" if settings.hsts_subdomains else ""
        response.headers.setdefault("Strict-Transport-Security", f"max-age={settings.hsts_seconds}{subdomains}")
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "private, no-store")
    return response
