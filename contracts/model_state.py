"""worker -> Redis -> worker, web: the state of each model service, which all workers share.

One Redis hash holds one JSON object per model. The workers change it by compare-and-set (`tasks/admission`); the web
shows it. It is no truth: when Redis loses it, every service counts as available again, and the next calls find out.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Final

import redis
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

OUTAGE_THRESHOLD: Final = 5
"""So many failures in a row, of different calls, mean that the service is unavailable."""


MAX_TIME: Final = 253_402_300_799.0
"""The end of the year 9999 in seconds since the epoch: later ones are no dates."""

Seconds = Annotated[float, Field(ge=0, le=MAX_TIME)]
Amount = Annotated[float, Field(ge=0)]

_CONFIG: Final = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)
"""Fields that only another release knows are ignored: while releases are mixed, none may forget an outage of the
other."""


@with_config(_CONFIG)
@dataclass(frozen=True, slots=True)
class Outage:
    """Why and since when a service is unavailable. Times are seconds since the epoch, of the shared clock."""

    since: Seconds
    cause: str
    """An agents.errors.ServiceCause."""
    message: str
    """What the author of a waiting thought is shown."""
    cure: str
    """What an operator can do; empty when waiting is all."""
    probe_at: Seconds
    """When the next probe may start."""
    probe_interval: Seconds
    """Seconds until the probe after that one, doubled with each failed probe."""
    prober: str = ""
    """The call id that may probe until `prober_until`."""
    prober_until: Seconds = 0.0


@with_config(_CONFIG)
@dataclass(frozen=True, slots=True)
class ModelState:
    """What the workers know of one model's service. Times are seconds since the epoch, of the shared clock."""

    outage: Outage | None = None
    failures: tuple[str, ...] = ()
    """The ids of the calls that failed in a row, at most OUTAGE_THRESHOLD; a call that is answered empties it."""
    calls: Mapping[str, tuple[Seconds, Seconds]] = field(default_factory=dict)
    """Call id -> its start and when its worker last renewed it, of the calls in progress."""
    limit: Amount = 0.0
    """Calls that may be in progress at the same time; 0 stands for the ceiling of the settings."""
    growth_limit: Amount = 0.0
    """Below it the limit grows by one with each answer, above it by one per round of answers; 0: no boundary."""
    halved_at: Seconds = 0.0
    """When the limit was last halved."""
    paused_until: Seconds = 0.0
    """Until when the service has asked for no calls."""
    next_turn: Seconds = 0.0
    """When the next call that finds no free place is due, so that waiting calls return one after the other."""
    call_seconds: Seconds = 1.0
    """The average duration of a call."""

    def to_json(self) -> str:
        """Return the JSON object that the hash holds. Half a character of a service's message becomes a `?`."""
        values = json.dumps(asdict(self), separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        return values.encode("utf-8", "replace").decode()


_STORED: Final = TypeAdapter(ModelState)


def state_key(prefix: str) -> str:
    """Return the key of the hash: model -> JSON object."""
    return f"{prefix}:models"


def read_states(client: redis.Redis, prefix: str) -> dict[str, ModelState]:
    """Return the state of every model. Raises redis.RedisError when Redis is unavailable."""
    stored = {model_name(model): state for model, state in client.hgetall(state_key(prefix)).items()}
    states = {model: parse_state(stored[model]) for model in sorted(stored)}
    return {model: state for model, state in states.items() if state is not None}


def parse_state(stored: str | bytes) -> ModelState | None:
    """Return the state of a JSON object, or None for anything else, which any client can have written."""
    try:
        return _STORED.validate_json(stored)
    except ValidationError:
        return None


def model_name(name: bytes | str) -> str:
    """Return the name of a field of the hash, which any client can have written."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name
