"""States of model services, as the workers store them."""

from collections.abc import Mapping
from datetime import UTC, datetime

import redis

from contracts.model_state import ModelState, Outage, state_key
from contracts.settings import Settings

SINCE = datetime(2026, 11, 29, 10, 4, tzinfo=UTC).timestamp()
REFUSED = ModelState(
    outage=Outage(
        SINCE,
        "refused_key",
        "The service refuses the key.",
        "Correct OPENAI_API_KEY.",
        probe_at=0.0,
        probe_interval=5.0,
    ),
    calls={"a": (1.0, 1.0), "b": (2.0, 2.0)},
    limit=4.0,
)


def store_states(client: redis.Redis, settings: Settings, states: Mapping[str, ModelState]) -> None:
    for model, state in states.items():
        client.hset(state_key(settings.redis_prefix), model, state.to_json())
