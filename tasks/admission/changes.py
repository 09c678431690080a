"""Describes, for the log, when a model becomes unavailable or available again: one line per change. Pure."""

import logging
from dataclasses import dataclass

from contracts.model_state import ModelState, Outage


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """A line for the log, and its level: an error when thoughts wait for a person or for the end of an outage."""

    text: str
    level: int


def describe_change(model: str, before: ModelState, after: ModelState, waiting_thoughts: int) -> ChangeLine | None:
    """Return the line of a change, or None when nothing changed that concerns people."""
    if after.outage is None and before.outage is not None:
        return ChangeLine(f"The model {model} is available again.", logging.INFO)
    if after.outage is None:
        return _fewer_calls(model, after) if after.halved_at > before.halved_at else None
    if before.outage is not None and before.outage.cause == after.outage.cause:
        return None
    return ChangeLine(_unavailable(model, after.outage, waiting_thoughts), logging.ERROR)


def is_change(before: ModelState, after: ModelState) -> bool:
    """Return whether `describe_change` returns a line."""
    return describe_change("", before, after, 0) is not None


def _fewer_calls(model: str, after: ModelState) -> ChangeLine:
    calls = "1 call" if int(after.limit) == 1 else f"{int(after.limit)} calls"
    return ChangeLine(f"The model {model} asks for fewer calls: now {calls} at the same time.", logging.WARNING)


def _unavailable(model: str, outage: Outage, waiting_thoughts: int) -> str:
    thoughts = "1 thought waits" if waiting_thoughts == 1 else f"{waiting_thoughts} thoughts wait"
    return f"ALARM: the model {model} is unavailable, {thoughts}: {outage.cure or outage.message}"
