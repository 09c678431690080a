"""Resolves the host of a webhook to a public address, so that nobody reaches servers behind the relay's firewall.

The host name is resolved once, and the connection is made to an address that was checked: a name server that answers
differently the second time changes nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

from bridge.webhooks.lookups import look_up
from contracts.public_addresses import is_allowed

Resolve = Callable[[str, int, float], Sequence[Any]]
"""Returns what `socket.getaddrinfo` does for a host and a port, or raises TimeoutError after so many seconds."""


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
