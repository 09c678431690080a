"""Histories written by hand, for guards that random histories hardly ever need. Each violates an invariant when its
guard is removed."""

from collections.abc import Mapping, Sequence
from typing import Final

_DISPATCHED: Final = [("submit as first user", 0), ("run all", 0), ("run all", 0), ("run worker", 0)]
"""A thought is submitted, and a worker is about to claim its first step."""

_ATTEMPT: Final = [("deliver message", 0), *[("run worker", 0)] * 7, ("medium pause", 0)]
"""A worker receives the message of a step and runs it to its end."""

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
    "gate.prober": [
        *_DISPATCHED[:3],
        ("toggle model", 0),
        *_ATTEMPT * 4,
        ("long pause", 0),
        *_ATTEMPT,  # the last attempt fails, and the probe confirms the outage
        ("long pause", 0),
        *[("deliver message", 0), ("run worker", 0), ("kill in call", 0)],  # the prober dies
    ],
    "source.retry": [  # found at random, and shortened
        ("lose partition", 10616171),
        ("submit", 4183097),
        ("kill bridge", 10487809),
        ("invalid record", 3554312),
        ("bridge: up to a wait", 10255575),
        ("bridge: answer lost", 12679259),  # the answer to the commit is lost, and Kafka has rejected it
        ("bridge: unreachable", 1071495),
    ],
}
