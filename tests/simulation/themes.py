"""The themes of histories: half of them mix all actions, the others repeat one kind of trouble and go far into it."""

from collections.abc import Mapping
from random import Random
from typing import Final

from tests.simulation.actions import FAULTS, ORDINARY

FAULT_PROBABILITY: Final = 0.35
"""The probability of each kind of fault in a history without a theme. With few kinds at a time a history gets further
than with all at once."""

EXTRA_FAULT_PROBABILITY: Final = 0.08
"""The probability of each other kind of fault in a history with a theme."""

Weights = Mapping[str, float]

THEMES: Final[Mapping[str, Weights]] = {
    "workers that die in one step": {
        "submit as first user": 1, "run all": 16, "kill in call": 10, "long pause": 10, "deliver message": 8,
        "run worker": 6, "redeliver messages": 3, "forge message": 2,
    },
    "workers that come back": {
        "submit as first user": 2, "run all": 16, "run worker": 14, "deliver message": 8, "suspend worker": 5,
        "suspend before call": 6, "step: answer late": 6, "resume": 7, "long pause": 8, "medium pause": 3,
        "agent: transient error": 6, "agent: permanent error": 1, "kill in call": 1, "short pause": 2,
    },
    "agents that are busy": {
        "submit as first user": 1, "run all": 8, "run worker until call": 16, "deliver message": 8,
        "agent: transient error": 12, "agent: invalid output": 10, "agent: permanent error": 0.5,
        "agent: unstorable result": 0.5, "medium pause": 8, "replay or retry": 4, "kill in call": 0.5,
        "step: answer lost": 1, "delayed request arrives": 1, "run worker": 2,
    },
    "model outages": {
        "submit": 6, "submit as first user": 3, "run all": 12, "run worker until call": 8, "run worker": 16,
        "deliver message": 12, "toggle model": 4, "agent: service error": 8, "medium pause": 6, "short pause": 4,
        "long pause": 2, "kill in call": 1, "kill worker": 2, "suspend worker": 2, "resume": 2,
        "step: answer lost": 3, "step: answer late": 2, "step: delayed": 2, "step: unreachable": 2,
        "agent: transient error": 2, "replay or retry": 1, "delete or cancel": 0.5, "bridge: one wait": 1,
    },
    "failures and replays": {
        "submit as first user": 5, "run all": 20, "run worker": 14, "deliver message": 8,
        "agent: permanent error": 10, "replay or retry": 10, "discard dead letter": 1, "delete or cancel": 1.5,
        "request: one wait": 2, "relay: partly published": 3, "relay: answer late": 2, "swap outbox ids": 3,
        "relay: one wait": 4, "agent: transient error": 2, "kill relay": 1, "invalid record": 6,
        "request: answer lost": 4, "request: unreachable": 3, "request: answer late": 3, "request: delayed": 3,
        "delayed request arrives": 2, "step: answer lost": 2, "step: delayed": 2, "step: unreachable": 2,
    },
    "relays": {
        "submit": 4, "external thought": 2, "invalid record": 3, "relay: one wait": 10, "relay: answer late": 9,
        "relay: answer lost": 4, "relay: partly published": 6, "swap outbox ids": 8, "suspend relay": 6, "resume": 3,
        "kill relay": 5, "run all": 6, "run bridge": 4, "run worker": 10, "deliver message": 4,
        "agent: permanent error": 3, "replay or retry": 2, "medium pause": 3,
    },
    "logs that are lost": {
        "submit": 3, "external thought": 8, "invalid record": 3, "recreate topic": 2,
        "recreate topic with records": 4, "run all": 10, "run bridge": 6, "bridge: one wait": 6,
        "bridge: answer late": 2, "expire records": 2, "rebalance": 2, "lose partition": 2, "toggle kafka": 1,
        "restore stores": 2, "run worker": 12, "short pause": 6, "kill bridge": 1, "suspend bridge": 1, "resume": 2,
    },
    "bridges that are interrupted": {
        "submit": 4, "submit as first user": 3, "external thought": 2, "invalid record": 1, "bridge: up to a wait": 4,
        "kill bridge": 5, "suspend bridge": 5, "resume": 4, "bridge: partly sent": 4, "bridge: answer late": 6,
        "bridge: answer lost": 4, "bridge: unreachable": 3, "bridge: delayed": 3, "shut down bridge": 2,
        "run worker": 34, "deliver message": 14, "short pause": 3, "medium pause": 2, "long pause": 3,
        "delayed request arrives": 2, "narrow window": 1, "lose partition": 1, "rebalance": 1, "flush redis": 1,
        "change in-flight limit": 1,
    },
    "few slots": {
        "submit": 8, "submit as first user": 4, "change in-flight limit": 4, "run all": 12, "run worker": 20,
        "deliver message": 10, "run bridge": 6, "medium pause": 3, "long pause": 3, "kill in call": 2,
        "kill bridge": 2, "suspend bridge": 2, "suspend worker": 2, "resume": 3, "bridge: answer lost": 3,
        "bridge: answer late": 2, "bridge: unreachable": 2, "rebalance": 2, "lose partition": 1, "lock head": 3,
        "delete or cancel": 2, "agent: transient error": 2, "agent: permanent error": 2, "replay or retry": 2,
        "forge wake-up": 1, "flush redis": 1, "external thought": 2,
    },
    "batches": {
        "switch mode": 1.5, "request batch": 4, "submit": 6, "submit as first user": 2, "finish request": 4,
        "run all": 10, "run worker": 30, "deliver message": 12, "medium pause": 3, "long pause": 2,
        "bridge: up to a wait": 2, "kill bridge": 3, "suspend bridge": 2, "resume": 3, "bridge: answer lost": 3,
        "bridge: unreachable": 2, "bridge: answer late": 3, "bridge: delayed": 2, "request: answer late": 2,
        "request: answer lost": 2, "request: delayed": 2, "agent: permanent error": 2, "postgres outage": 1,
        "postgres clock jump": 2, "replay or retry": 2,
    },
    "two owners": {
        "submit as first user": 4, "run all": 10, "bridge: one wait": 14, "bridge: answer late": 5,
        "lose partition": 5, "rebalance": 4, "duplicate record": 6, "lock head": 2, "long pause": 8,
        "suspend bridge": 3, "resume": 4, "suspend worker": 3, "kill in call": 3, "run worker": 10,
        "deliver message": 6, "forge wake-up": 3, "kill bridge": 1, "bridge: answer lost": 3,
    },
    "requests at once": {
        "submit as first user": 10, "resubmit": 5, "request: one wait": 12, "request: answer late": 6,
        "finish request": 4, "request: answer lost": 4, "request: unreachable": 5, "suspend web": 8, "resume": 3,
        "kill web": 5, "run relay": 6, "run bridge": 8, "deliver message": 10, "run worker": 20, "short pause": 4,
        "external thought": 3, "delete or cancel": 1,
    },
    "queues": {
        "submit": 4, "toggle slow queue": 2, "run all": 12, "run worker": 14, "deliver message": 10,
        "medium pause": 4, "long pause": 8, "save redis snapshot": 2, "restore redis snapshot": 2,
        "duplicate message": 4, "redeliver messages": 4, "forge message": 6, "flush redis": 1,
        "agent: permanent error": 4, "agent: transient error": 5, "kill in call": 2, "step: answer lost": 3,
    },
}  # fmt: skip
"""Theme -> action -> weight."""


def draw_weights(rng: Random) -> dict[str, float]:
    """Return the actions of a history and their weights."""
    theme = rng.choice([None] * len(THEMES) + list(THEMES))
    faults = {name: weight for name, (_, weight) in FAULTS.items()}
    if theme is None:
        ordinary = {name: weight for name, (_, weight) in ORDINARY.items()}
        return ordinary | {name: weight for name, weight in faults.items() if rng.random() < FAULT_PROBABILITY}
    extra = {name: weight for name, weight in faults.items() if rng.random() < EXTRA_FAULT_PROBABILITY}
    return extra | dict(THEMES[theme])
