"""Written histories, for guards that hardly any random one misses: each breaks the promise without its guard."""

from collections.abc import Mapping, Sequence
from typing import Final

_TAKEN: Final = [("write mine", 0), ("onward", 0), ("onward", 0), ("work", 0)]
"""A thought is written, and a worker is about to claim its first step."""

DIRECTED: Final[Mapping[str, Sequence[tuple[str, int]]]] = {
    "renew.call": [
        *_TAKEN,
        ("step late", 0),
        ("stop worker", 0),
        ("long while", 0),  # the call is taken over
        ("long while", 0),
        ("resume", 0),  # the stopped worker looks again before it pays
        *[("work", 0)] * 3,
    ],
}
