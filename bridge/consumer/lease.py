"""How long a head's version must stay unchanged before a takeover. Pure."""

from typing import Final

from bridge.consumer.protocol import Head

MAX_LEASE_DOUBLINGS: Final = 5
"""The lease of a message in a queue doubles with every send, at most this often: 20 s becomes 640 s."""


def lease_for(head: Head, lease_seconds: float) -> float:
    """Return the lease of a head, in seconds.

    A worker in a call renews its lease, so LEASE_SECONDS is enough. A message in a queue has no worker yet, and a long
    queue only delays it: its lease doubles with every send, and a retry's backoff is added.
    """
    if head.in_call:
        return lease_seconds
    return head.wait + lease_seconds * 2.0 ** min(max(0, head.sends - 1), MAX_LEASE_DOUBLINGS)
