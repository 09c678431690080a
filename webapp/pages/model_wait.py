"""Tells an author why a thought waits for its model, since when or until when, and that it will continue."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class ModelWait:
    """A sentence around a time; `when` is None when the sentence has none."""

    before: str
    when: datetime | None
    after: str


_CONTINUES: Final = "; your thought is waiting and will continue automatically."

_TEXTS: Final[Mapping[str, tuple[str, str, str]]] = {
    "outage": ("The model has been unreachable since", "since", _CONTINUES),
    "refused": (
        "The operator of this site must correct the settings of the model. It has refused calls since",
        "since",
        _CONTINUES,
    ),
    "limit": ("A limit of this site is used up; your thought continues automatically at", "until", "."),
}
"""Kind of wait -> the text before the time, which time it is, and the text after it."""

_BUSY: Final = ModelWait(f"The model is busy{_CONTINUES}", None, "")
"""For the waits that last seconds, in which a time would only move on."""


def model_wait(waiting: Mapping[str, Any] | None) -> ModelWait | None:
    """Return what to tell the author; None when the thought waits for no model. `waiting` is the column's object."""
    if not waiting:
        return None
    before, time_name, after = _TEXTS.get(str(waiting.get("kind")), ("", "", ""))
    when = waiting.get(time_name)
    return ModelWait(before, datetime.fromisoformat(str(when)), after) if when else _BUSY
