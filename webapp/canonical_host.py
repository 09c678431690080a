"""Leads a new visitor's browser from the other names of this machine to the one that the page is served at.

A browser keeps the cookies of localhost, 127.0.0.1 and [::1] apart, so what a person writes under one name would be
missing under another. Only pages are redirected, and only between these three names: the target never contains a name
of the request.
"""

from typing import Final
from urllib.parse import urlsplit

from flask import Flask, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from webapp.request_origin import LOOPBACK_HOSTS, came_through_proxy
from webapp.security import SAFE_METHODS
from webapp.services import services
from webapp.session import has_content

PAGES: Final = frozenset({"pages", "profile_page"})

_BOUND_ADDRESSES: Final = frozenset({"127.0.0.1", "::1"})


def register(app: Flask) -> None:
    """Install the redirect."""
    app.before_request(_redirect_new_visitor)


def canonical_netloc(host: str, bound_address: str, configured: str | None) -> str | None:
    """Return the host and port to redirect to, or None when the requested host is the right one or is unknown.

    `host` is the request's Host header, `bound_address` the address that the web listens on. The port stays the one
    that the browser used, because it may be forwarded to another one.
    """
    canonical = configured or (bound_address if bound_address in _BOUND_ADDRESSES else None)
    try:
        parts = urlsplit(f"//{host}")
        requested, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return None
    if canonical is None or requested == canonical or requested not in LOOPBACK_HOSTS:
        return None
    name = f"[{canonical}]" if ":" in canonical else canonical
    return name if port is None else f"{name}:{port}"


def _redirect_new_visitor() -> BaseResponse | None:
    """Redirect a page's request. A visitor with a cookie stays: what they wrote under this name would be missing."""
    if request.method not in SAFE_METHODS or request.blueprint not in PAGES or _is_fragment() or came_through_proxy():
        return None
    configured = services().settings.canonical_host
    netloc = canonical_netloc(request.host, str(request.environ.get("SERVER_NAME", "")), configured)
    if netloc is None or has_content():
        return None
    return redirect(urlsplit(request.url)._replace(netloc=netloc).geturl(), 302)


def _is_fragment() -> bool:
    """Return whether a page's script sent the request; it cannot follow a redirect to another origin."""
    return request.args.get("fragment") == "1"
