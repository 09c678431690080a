"""web -> relay: decides which addresses a webhook may reach.

The web refuses an address that a person wrote, and the relay those that a host name stands for.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
TUNNELS: Final = (IPv6Network("2002::/16"), IPv6Network("2001::/32"))
"""6to4 and Teredo: their addresses contain an IPv4 address, which the tunnel reaches."""


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


def written_address(host: str) -> str | None:
    """Return the address that the host of a URL is, also in a form such as 127.1, or None for a name."""
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None
