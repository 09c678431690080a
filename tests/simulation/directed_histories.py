"""Histories written by hand, for guards that random histories hardly ever need. Each violates an invariant when its
guard is removed."""

from collections.abc import Mapping, Sequence
from typing import Final

_DISPATCHED: Final = [("submit as first user", 0), ("run all", 0), ("run all", 0), ("run worker", 0)]
"""A thought is submitted, and a worker is about to claim its first step."""

DIRECTED_HISTORIES: Final[Mapping[str, Sequence[tuple[str, int]]]] = {
    "renew.call": [
        *_DISPATCHED,
        ("step: answer late", 0),
        ("suspend worker", 0),
        ("long pause", 0),  # the call is taken over
        ("long pause", 0),
        ("resume", 0),  # the suspended worker renews its claim before it pays
        *[("run worker", 0)] * 3,
    ],
}
