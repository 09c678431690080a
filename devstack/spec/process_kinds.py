"""The kinds of processes, how many of each, and the order in which they stop."""

from typing import Literal, get_args

from devstack.errors import DevstackError

Kind = Literal["postgres", "redis", "kafka", "relay", "bridge", "worker", "beat", "flower", "web"]

KINDS: tuple[Kind, ...] = get_args(Kind)
STORES: tuple[Kind, ...] = ("postgres", "redis", "kafka")
APPS: tuple[Kind, ...] = ("relay", "bridge", "worker", "beat", "flower", "web")
HEARTBEAT_KINDS: tuple[Kind, ...] = ("relay", "bridge", "worker", "beat")
"""Kinds whose processes touch a heartbeat file every few seconds as long as they work."""

SINGLETON_KINDS: tuple[Kind, ...] = ("beat", "flower")
"""Kinds of which a second process would do harm (beat) or find its port taken (flower)."""

STOP_RANKS: dict[Kind, int] = {
    "postgres": 0, "redis": 0, "kafka": 0,
    "relay": 1, "bridge": 1,
    "worker": 2,
    "web": 3, "beat": 3, "flower": 3,
}  # fmt: skip
"""Stopping goes from the highest rank to the lowest, one rank at a time: what takes work in ends first, and the stores
last, so that everybody can still put their work away."""

Scale = dict[Kind, int]


def parse_scale(texts: list[str]) -> Scale:
    """Read `bridge=2,worker=3`; kinds that are not named have one process. Raises DevstackError."""
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
        raise DevstackError(f"--scale {item}: write KIND=NUMBER with one of the kinds {', '.join(APPS)}.")
    if kind in SINGLETON_KINDS and int(count) > 1:
        raise DevstackError(f"--scale {item}: there can be only one {kind}; write {kind}=1 or {kind}=0.")
    return kind, int(count)
