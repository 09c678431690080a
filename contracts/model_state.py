"""worker -> Redis -> worker, web: the state of each model service, which all workers share.

One Redis hash holds one JSON object per model. The workers change it by compare-and-set (`tasks/admission`); the web
shows it. It is no truth: when Redis loses it, every service counts as available again, and the next calls find out.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Self

import redis

OUTAGE_THRESHOLD: Final = 5
"""So many failures in a row, of different calls, mean that the service is unavailable."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Why and since when a service is unavailable. Times are seconds since the epoch, of the shared clock."""

    since: float
    cause: str
    """An agents.errors.ServiceCause."""
    message: str
    """What the author of a waiting thought is shown."""
    cure: str
    """What an operator can do; empty when waiting is all."""
    probe_at: float
    """When the next probe may start."""
    probe_interval: float
    """Seconds until the probe after that one, doubled with each failed probe."""
    prober: str = ""
    """The call id that may probe until `prober_until`."""
    prober_until: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelState:
    """What the workers know of one model's service. Times are seconds since the epoch, of the shared clock."""

    outage: Outage | None = None
    failures: tuple[str, ...] = ()
    """The ids of the calls that failed in a row, at most OUTAGE_THRESHOLD; a call that is answered empties it."""
    calls: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Call id -> its start and when its worker last renewed it, of the calls in progress."""
    limit: float = 0.0
    """Calls that may be in progress at the same time; 0 stands for the ceiling of the settings."""
    growth_limit: float = 0.0
    """Below it the limit grows by one with each answer, above it by one per round of answers; 0: no boundary."""
    halved_at: float = 0.0
    """When the limit was last halved."""
    paused_until: float = 0.0
    """Until when the service has asked for no calls."""
    next_turn: float = 0.0
    """When the next call that finds no free place is due, so that waiting calls return one after the other."""
    call_seconds: float = 1.0
    """The average duration of a call."""

    def to_json(self) -> str:
        """Return the JSON object that the hash holds."""
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_json(cls, stored: str | bytes) -> Self:
        """Return the state of a JSON object. Raises ValueError or TypeError for one of another release."""
        values: dict[str, Any] = json.loads(stored)
        outage = values.pop("outage")
        return cls(
            outage=None if outage is None else Outage(**_known(Outage, outage)),
            failures=tuple(str(call_id) for call_id in values.pop("failures")),
            calls={str(call): (float(start), float(renewed)) for call, (start, renewed) in values.pop("calls").items()},
            **{name: float(value) for name, value in _known(cls, values).items()},
        )


def _known(kind: type[ModelState | Outage], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that this release knows: while releases are mixed, none may forget an outage of the other."""
    names = {known.name for known in fields(kind)}
    return {name: value for name, value in values.items() if name in names}


def state_key(prefix: str) -> str:
    """Return the key of the hash: model -> JSON object."""
    return f"{prefix}:models"


def read_states(client: redis.Redis, prefix: str) -> dict[str, ModelState]:
    """Return the state of every model. Raises redis.RedisError when Redis is unavailable."""
    stored = {_text(model): _text(state) for model, state in client.hgetall(state_key(prefix)).items()}
    states = {model: parse_state(stored[model]) for model in sorted(stored)}
    return {model: state for model, state in states.items() if state is not None}


def parse_state(stored: str) -> ModelState | None:
    """Return the state of a JSON object, or None for one that another release wrote."""
    try:
        return ModelState.from_json(stored)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
