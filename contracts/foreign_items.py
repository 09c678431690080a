"""-> Kafka, Celery: which installation sent a record or a message, and what is done with those of another one.

The receiver does nothing with an item of another installation, because its database knows neither the thought nor the
user. It logs and counts it, so that a person learns that two installations share a name.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from contracts.log_throttle import LogThrottle

log = logging.getLogger(__name__)

INSTALLATION_HEADER: Final = "thoughts-installation"
"""The header that holds the id of the installation, in Kafka's records and in Celery's messages."""


def is_foreign(sender: str | None, own_id: str) -> bool:
    """Return whether another installation sent an item.

    An item without a sender is ours: it is of an earlier release, or of an external producer. Without an id of our own
    nothing is foreign.
    """
    return bool(sender and own_id and sender != own_id)


class ForeignItemLog:
    """Counts the records or messages of other installations, and logs them at most every 30 s."""

    def __init__(self, message: str) -> None:
        """`message` has two places: for the number so far, and for the id of the other installation."""
        self._message = message
        self._throttle = LogThrottle()
        self.count = 0

    def add(self, sender: str) -> None:
        """Count an item of another installation, and log it unless one was logged lately."""
        self.count += 1
        if self._throttle.allow("foreign"):
            log.error(self._message, self.count, sender[:100])


def sender_of(headers: Mapping[str, Any] | None) -> str | None:
    """Return the installation that sent a message with these headers; None when it does not say."""
    sender = (headers or {}).get(INSTALLATION_HEADER)
    return sender if isinstance(sender, str) else None
