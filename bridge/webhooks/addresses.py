"""Decides which addresses a webhook may reach, so that nobody uses the relay to reach servers behind its firewall.

The host name is resolved once, and the connection is made to an address that was checked: a name server that answers
differently the second time changes nothing.
"""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Final

from bridge.webhooks.lookups import look_up

Resolve = Callable[[str, int, float], Sequence[Any]]
"""Returns what `socket.getaddrinfo` does for a host and a port, or raises TimeoutError after so many seconds."""

GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
TUNNELS: Final = (IPv6Network("2002::/16"), IPv6Network("2001::/32"))
"""6to4 and Teredo: their addresses contain an IPv4 address, which the tunnel reaches."""


class RefusedAddressError(Exception):
    """Raised when a webhook must not reach the addresses of its host, or when the host has none, or none in time."""


def resolve_public(host: str, port: int, *, allow_loopback: bool, seconds: float, resolve: Resolve = look_up) -> str:
    """Resolve the host and return the address to connect to, within so many seconds. Raises RefusedAddressError.

    One address that is not allowed refuses them all: an honest host has no reason to mix them.
    """
    try:
        found = resolve(host, port, seconds)
    except TimeoutError:
        raise RefusedAddressError(f"its name server did not answer within {seconds:g} s") from None
    except (OSError, UnicodeError):
        raise RefusedAddressError("its host name has no address") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses:
        raise RefusedAddressError("its host name has no address")
    if not all(is_allowed(address, allow_loopback=allow_loopback) for address in addresses):
        raise RefusedAddressError("its host name stands for an address that is not public")
    return addresses[0]


def is_allowed(address: str, *, allow_loopback: bool) -> bool:
    """Return whether a webhook may reach an address: a public one, or this machine's where that is allowed."""
    try:
        parsed = ip_address(address)
    except ValueError:  # an address with a scope, such as fe80::1%eth0, is never public
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return False
    if parsed.is_loopback:
        return allow_loopback
    return _is_public(parsed)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    if isinstance(address, IPv4Address):
        return True
    return address in GLOBAL_UNICAST and not any(address in tunnel for tunnel in TUNNELS)
