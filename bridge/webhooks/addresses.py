"""Resolves the host of a webhook to a public address, so that nobody reaches servers behind the relay's firewall.

The host name is resolved once, and the connection is made to an address that was checked: a name server that answers
differently the second time changes nothing.
"""

import socket
from collections.abc import Callable, Sequence
from typing import Any

from contracts.public_addresses import is_allowed

Resolve = Callable[..., Sequence[Any]]
"""`socket.getaddrinfo`, or a test's."""


class RefusedAddressError(Exception):
    """Raised when a webhook must not reach the addresses of its host, or when the host has none."""


def resolve_public(host: str, port: int, *, allow_loopback: bool, resolve: Resolve = socket.getaddrinfo) -> str:
    """Resolve the host and return the address to connect to. Raises RefusedAddressError.

    One address that is not allowed refuses them all: an honest host has no reason to mix them.
    """
    try:
        found = resolve(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise RefusedAddressError("its host name has no address") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses:
        raise RefusedAddressError("its host name has no address")
    if not all(is_allowed(address, allow_loopback=allow_loopback) for address in addresses):
        raise RefusedAddressError("its host name stands for an address that is not public")
    return addresses[0]
