"""Says what is known of where a request comes from: this machine itself, or a proxy."""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from flask import request

LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""Host names of the loopback address. Flask's TRUSTED_HOSTS cannot contain [::1], and its error page has no links."""

_PROXY_HEADERS: Final = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")


def came_through_proxy() -> bool:
    """Return whether a proxy passed the request on: it may have put its own name for this machine into Host.

    Browsers use HTTP/1.1 at least; a proxy that adds no header, as nginx does by default, uses HTTP/1.0.
    """
    is_old = request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0"
    return is_old or any(name in request.headers for name in _PROXY_HEADERS)


def is_from_this_machine() -> bool:
    """Return whether a program of this machine sent the request to the loopback address, without a proxy.

    The requested host counts too: another site can make a browser of this machine connect to the loopback address, but
    only under its own name.
    """
    return _is_loopback(request.remote_addr or "") and is_for_loopback_host() and not came_through_proxy()


def is_for_loopback_host() -> bool:
    """Return whether the request names the loopback address as its host."""
    try:
        return urlsplit(f"//{request.host}").hostname in LOOPBACK_HOSTS
    except ValueError:
        return False


def _is_loopback(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:  # a socket file has no address
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)
