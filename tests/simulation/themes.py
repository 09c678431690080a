"""What a history is about: half of them are of everything, the others of one kind of trouble, and get far into it."""

from collections.abc import Mapping
from random import Random
from typing import Final

from tests.simulation.actions import EVERYDAY, FAULTS

A_FAULT: Final = 0.35
"""The chance of each kind of fault to be in a history of everything: few kinds at a time reach further than all at
once."""

A_STRANGE_FAULT: Final = 0.08
"""The chance of each other kind of fault to be in a history with a theme."""

Weights = Mapping[str, float]

THEMES: Final[Mapping[str, Weights]] = {
    "workers that die in one step": {
        "write mine": 1, "onward": 16, "kill in call": 10, "long while": 10, "take": 8, "work": 6,
        "delivered again": 3, "message of anybody": 2,
    },
    "workers that come back": {
        "write mine": 2, "onward": 16, "work": 14, "take": 8, "stop worker": 5, "stop before call": 6, "step late": 6,
        "resume": 7, "long while": 8, "while": 3, "agent busy": 6, "agent refuses": 1, "kill in call": 1, "moment": 2,
    },
    "agents that are busy": {
        "write mine": 1, "onward": 8, "step": 16, "take": 8, "agent busy": 12, "agent talks nonsense": 10,
        "agent refuses": 0.5, "result unstorable": 0.5, "while": 8, "replayed": 4, "kill in call": 0.5,
        "step's answer lost": 1, "arrives": 1, "work": 2,
    },
    "failures and replays": {
        "write mine": 5, "onward": 20, "work": 14, "take": 8, "agent refuses": 10, "replayed": 10, "discarded": 1,
        "deleted": 1.5, "request step": 2, "half published": 3, "relay late": 2, "late commit": 3, "relay step": 4,
        "agent busy": 2, "kill relay": 1, "garbage": 6, "request's answer lost": 4, "request not answered": 3,
        "request late": 3, "request delayed": 3, "arrives": 2, "step's answer lost": 2, "step delayed": 2,
        "step not asked": 2,
    },
    "relays": {
        "write": 4, "foreign": 2, "garbage": 3, "relay step": 10, "relay late": 5, "relay's answer lost": 4,
        "half published": 6, "late commit": 8, "stop relay": 3, "resume": 3, "kill relay": 2, "onward": 6, "turn": 4,
        "work": 10, "take": 4, "agent refuses": 3, "replayed": 2, "while": 3,
    },
    "logs that are lost": {
        "write": 3, "foreign": 8, "garbage": 3, "log lost": 2, "log replaced": 4, "onward": 10, "turn": 6,
        "bridge step": 6, "bridge late": 2, "records expire": 2, "rebalance": 2, "partition lost": 2, "kafka away": 1,
        "mend": 2, "work": 12, "moment": 6, "kill bridge": 1, "stop bridge": 1, "resume": 2,
    },
    "bridges that are interrupted": {
        "write": 4, "write mine": 3, "foreign": 2, "garbage": 1, "bridge on": 4, "kill bridge": 5, "stop bridge": 5,
        "resume": 4, "half sent": 4, "bridge late": 6, "bridge's answer lost": 4, "bridge not answered": 3,
        "bridge delayed": 3, "bridge told to end": 2, "work": 34, "take": 14, "moment": 3, "while": 2,
        "long while": 3, "arrives": 2, "narrow window": 1, "partition lost": 1, "rebalance": 1, "redis flushed": 1,
    },
    "batches": {
        "other mode": 1.5, "batch asked": 4, "write": 6, "write mine": 2, "request": 4, "onward": 10, "work": 30,
        "take": 12, "while": 3, "long while": 2, "bridge on": 2, "kill bridge": 3, "stop bridge": 2, "resume": 3,
        "bridge's answer lost": 3, "bridge not answered": 2, "bridge late": 3, "bridge delayed": 2,
        "request late": 2, "request's answer lost": 2, "request delayed": 2, "agent refuses": 2, "outage": 1,
        "clock jump": 2, "replayed": 2,
    },
    "two owners": {
        "write mine": 4, "onward": 10, "bridge step": 14, "bridge late": 5, "partition lost": 5, "rebalance": 4,
        "record again": 6, "lock head": 2, "long while": 8, "stop bridge": 3, "resume": 4, "stop worker": 3,
        "kill in call": 3, "work": 10, "take": 6, "news": 3, "kill bridge": 1, "bridge's answer lost": 3,
    },
    "requests at once": {
        "write mine": 10, "write again": 5, "request step": 12, "request late": 6, "request": 4,
        "request's answer lost": 4, "request not answered": 2, "stop web": 3, "resume": 3, "kill web": 1, "relay": 6,
        "turn": 8, "take": 10, "work": 20, "moment": 4, "foreign": 3, "deleted": 1,
    },
    "queues": {
        "write": 4, "slow queue": 2, "onward": 12, "work": 14, "take": 10, "while": 4, "long while": 8,
        "redis saved": 2, "redis restored": 2, "sent twice": 4, "delivered again": 4, "message of anybody": 6,
        "redis flushed": 1, "agent refuses": 4, "agent busy": 5, "kill in call": 2, "step's answer lost": 3,
    },
}  # fmt: skip
"""How often each action happens, by theme."""


def kinds_of(chance: Random) -> dict[str, float]:
    """The actions of a history and their weights."""
    theme = chance.choice([None] * len(THEMES) + list(THEMES))
    faults = {name: weight for name, (_, weight) in FAULTS.items()}
    if theme is None:
        everyday = {name: weight for name, (_, weight) in EVERYDAY.items()}
        return everyday | {name: weight for name, weight in faults.items() if chance.random() < A_FAULT}
    strange = {name: weight for name, weight in faults.items() if chance.random() < A_STRANGE_FAULT}
    return strange | dict(THEMES[theme])
