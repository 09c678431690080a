"""Describes, for the log, when a model becomes unavailable or available again: one line per change. Pure."""

from dataclasses import dataclass

from contracts.model_state import ModelState, Outage


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """A line for the log. `is_alarm` says that a person must act or that thoughts wait."""

    text: str
    is_alarm: bool


def describe_change(model: str, before: ModelState, after: ModelState, waiting_thoughts: int) -> ChangeLine | None:
    """Return the line of a change, or None when nothing changed that concerns people."""
    if after.outage is None:
        return None if before.outage is None else ChangeLine(f"The model {model} is available again.", is_alarm=False)
    if before.outage is not None and before.outage.cause == after.outage.cause:
        return None
    return ChangeLine(_unavailable(model, after.outage, waiting_thoughts), is_alarm=True)


def is_change(before: ModelState, after: ModelState) -> bool:
    """Return whether `describe_change` returns a line."""
    return describe_change("", before, after, 0) is not None


def _unavailable(model: str, outage: Outage, waiting_thoughts: int) -> str:
    thoughts = "1 thought waits" if waiting_thoughts == 1 else f"{waiting_thoughts} thoughts wait"
    return f"ALARM: the model {model} is unavailable, {thoughts}: {outage.cure or outage.message}"
