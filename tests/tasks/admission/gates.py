"""Makes gates whose states are in memory."""

from typing import Any

from agents.interface import Provider
from contracts.settings import Settings
from tasks.admission.budgets import Budgets
from tasks.admission.gate import Gate
from tasks.admission.state_store import LocalStates, States


def make_gate(provider: Provider, settings: Settings, states: States | None = None, **replacements: Any) -> Gate:
    """Return a gate without jitter that reports no changes; keyword arguments replace its other parts."""
    parts: dict[str, Any] = {
        "budgets": Budgets(settings, settings.redis_url, settings.redis_prefix),
        "lease_seconds": settings.lease_seconds,
        "on_change": lambda *_: None,
        "random_fraction": lambda: 0.0,
    } | replacements
    return Gate(provider, settings, states=states or LocalStates(), **parts)
