"""web -> PostgreSQL -> relay -> a user's server: what a webhook is, which addresses it may have, and how it is signed.

The signature is that of https://www.standardwebhooks.com: the headers `webhook-id`, `webhook-timestamp` and
`webhook-signature`, and a secret that begins with `whsec_`.
"""

import base64
import hashlib
import hmac
import secrets
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

from contracts.public_addresses import is_allowed, written_address

EventType = Literal["thought_completed", "thought_failed"]

EVENT_TYPES: Final[tuple[EventType, ...]] = get_args(EventType)
"""The events that a webhook can ask for."""

PING: Final = "ping"
"""The type of the event that a person sends to test a webhook."""

MAX_URL_LENGTH: Final = 2_000
SECRET_BYTES: Final = 32
SECRET_PREFIX: Final = "whsec_"  # noqa: S105  the prefix of every secret
LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class InvalidUrlError(ValueError):
    """Raised for an address that no webhook may have. The message is a clause about the address."""


def require_url(url: str, *, allow_loopback: bool) -> str:
    """Return the address of a webhook. `allow_loopback` also allows http to this machine, for development.

    An address instead of a host name must be public. Those that a host name stands for are checked before each request
    (`bridge/webhooks/addresses.py`). Raises InvalidUrlError.
    """
    if not 0 < len(url) <= MAX_URL_LENGTH:
        raise InvalidUrlError(f"must have 1 to {MAX_URL_LENGTH:,} characters")
    if not url.isascii() or any(character.isspace() or not character.isprintable() for character in url):
        raise InvalidUrlError("must consist of ASCII characters without spaces; write others percent-encoded")
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        raise InvalidUrlError("is not a valid URL") from None
    if not parts.hostname or not has_port:
        raise InvalidUrlError("must name a host, as in https://example.com/path")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidUrlError("must have no user name, no password and no fragment")
    is_loopback = allow_loopback and parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
    if parts.scheme != "https" and not is_loopback:
        raise InvalidUrlError("must begin with https://")
    address = written_address(parts.hostname)
    if address is not None and not is_allowed(address, allow_loopback=allow_loopback):
        raise InvalidUrlError("must name a host that everybody can reach, not one of a private network")
    return url


def new_secret() -> bytes:
    """Return a new key for the signatures of one webhook."""
    return secrets.token_bytes(SECRET_BYTES)


def secret_text(secret: bytes) -> str:
    """Return a key as its owner gets it, once."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def signed_headers(secret: bytes, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers of one attempt; `timestamp` is in seconds since 1970. Every attempt has the same id."""
    content = f"{message_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }
