"""What a step that must wait stores, and tells people: how long, why, and since or until when. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from agents.errors import NEEDS_A_PERSON
from contracts.model_state import ModelState
from tasks.admission.budgets import UsedUp
from tasks.admission.transitions import Denied

MAX_WAIT_SECONDS: Final = 45.0
"""The longest wait before a step asks again: a head that nobody works on for a minute is emitted again by the sweep."""

JITTER: Final = 0.2
"""The largest random addition to a wait, as a share of it, so that waiting steps do not all return together."""

OUTAGE_KINDS: Final = frozenset({"outage", "refused"})
"""The kinds of waits for a service that is unavailable."""

_MESSAGES: Final[Mapping[str, str]] = {
    "outage": "The model is unreachable.",
    "refused": "The model cannot be called until its operator corrects the settings.",
    "rate_limited": "The model asks for fewer calls.",
    "busy": "The model is busy with other thoughts.",
}


@dataclass(frozen=True, slots=True)
class Wait:
    """The step must ask again after `seconds`. The other fields are for people; times are since the epoch."""

    seconds: float
    kind: str
    """outage, refused, rate_limited, busy or limit."""
    message: str
    since: float | None = None
    until: float | None = None

    @property
    def is_outage(self) -> bool:
        """Whether the service is unavailable; otherwise it is busy, or a limit is used up."""
        return self.kind in OUTAGE_KINDS

    def to_json(self) -> dict[str, Any]:
        """Return the object of the column `thoughts.waiting`: kind, message, since and until, in ISO 8601 or null."""
        return {
            "kind": self.kind,
            "message": self.message,
            "since": _isoformat(self.since),
            "until": _isoformat(self.until),
        }


def service_wait(denied: Denied, state: ModelState, now: float, random_fraction: float) -> Wait:
    """Return the wait for a model whose state denied a call. `random_fraction` is in [0, 1)."""
    seconds = _spread(denied.seconds, random_fraction)
    if denied.reason != "outage" or state.outage is None:
        until = now + denied.seconds if denied.reason == "rate_limited" else None
        return Wait(seconds, denied.reason, _MESSAGES[denied.reason], until=until)
    kind = "refused" if state.outage.cause in NEEDS_A_PERSON else "outage"
    return Wait(seconds, kind, _MESSAGES[kind], since=state.outage.since)


def limit_wait(used_up: UsedUp, now: float, random_fraction: float) -> Wait:
    """Return the wait for a limit that is used up."""
    seconds = _spread(used_up.until - now, random_fraction)
    return Wait(seconds, "limit", f"The limit is used up: {used_up.limit}.", until=used_up.until)


def _spread(seconds: float, random_fraction: float) -> float:
    return min(MAX_WAIT_SECONDS, max(0.1, seconds)) * (1 + JITTER * random_fraction)


def _isoformat(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
