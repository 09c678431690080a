"""Defines the kinds of processes, how many of each run, and the order in which they stop."""

from typing import Literal

from devstack.errors import DevstackError

Kind = Literal["postgres", "redis", "kafka", "relay", "bridge", "worker", "beat", "flower", "web"]

STORES: tuple[Kind, ...] = ("postgres", "redis", "kafka")
APPS: tuple[Kind, ...] = ("relay", "bridge", "worker", "beat", "flower", "web")
HEARTBEAT_KINDS: tuple[Kind, ...] = ("relay", "bridge", "worker", "beat")
"""Kinds whose processes touch a heartbeat file every few seconds while they work."""

SINGLETON_KINDS: tuple[Kind, ...] = ("beat", "flower")
"""Kinds that may have one process only: a second beat would do harm, and a second flower would find its port in use."""

STOP_RANKS: dict[Kind, int] = {
    "postgres": 0, "redis": 0, "kafka": 0,
    "relay": 1, "bridge": 1,
    "worker": 2,
    "web": 3, "beat": 3, "flower": 3,
}  # fmt: skip
"""Processes stop from the highest rank to the lowest, one rank at a time: the processes that accept work stop first and
the stores stop last, so that every process can still save its work."""

Scale = dict[Kind, int]


def parse_scale(texts: list[str]) -> Scale:
    """Parse items such as `bridge=2,worker=3`; kinds that are not named get one process. Raises DevstackError."""
    scale: Scale = dict.fromkeys(APPS, 1)
    for item in ",".join(texts).split(","):
        if item.strip():
            kind, count = _parse_item(item.strip())
            scale[kind] = count
    return scale


def _parse_item(item: str) -> tuple[Kind, int]:
    name, _, count = item.partition("=")
    kind = next((kind for kind in APPS if kind == name), None)
    if kind is None or not count.isdecimal():
        raise DevstackError(f"--scale {item}: write KIND=NUMBER; the kinds are {', '.join(APPS)}.")
    if kind in SINGLETON_KINDS and int(count) > 1:
        raise DevstackError(f"--scale {item}: there can be only one {kind}; write {kind}=1 or {kind}=0.")
    return kind, int(count)
