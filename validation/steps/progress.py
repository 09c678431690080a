"""How far a thought is, and what to look at when it does not advance."""

from typing import Final

from contracts.database import Row
from validation.outcome import StepFailedError
from validation.queries import THOUGHT
from validation.site import Site

BRIDGE_CURE: Final = "start the bridge and read its log: it reads the record and sends the thought's tasks to Redis"
WORKER_CURE: Final = "start the worker and read its log: it takes the tasks from Redis and calls the agents"
MODEL_CURE: Final = "the thought continues when its model answers: `python -m agents check` says what is wrong with it"
FAILED_CURE: Final = "read the log of the worker; `python -m bridge dead-letters list` has the thought with its error"


def read_thought(site: Site, thought_id: str) -> Row:
    """Return the thought's row. Raises StepFailedError when there is none."""
    row = site.database.row(THOUGHT, id=thought_id)
    if row is None:
        raise StepFailedError(
            f"thought {thought_id} is not in PostgreSQL",
            "set DATABASE_URL to the database of this web; --base-url or DATABASE_URL is of another installation",
        )
    return row


def require_not_failed(thought_id: str, row: Row) -> None:
    """Raise StepFailedError when the thought has failed."""
    if row.status == "failed":
        error = row.error or {}
        agent, message = error.get("agent"), error.get("message")
        raise StepFailedError(f"thought {thought_id} failed in the agent {agent}: {message}", FAILED_CURE)


def unfinished(thought_id: str, row: Row, expected: str, seconds: float) -> StepFailedError:
    """Return the failure of a step that waited in vain, with a cure for the place where the thought is."""
    saved = f"{row.status}, {row.steps_done} step(s) saved"
    state = f"thought {thought_id} has no {expected} after {seconds:g} s: it is {saved}"
    if row.waiting:
        return StepFailedError(f"{state}; it waits for its model: {row.waiting.get('message')}", MODEL_CURE)
    if not row.is_dispatched:
        return StepFailedError(f"{state}, and no bridge has taken it", BRIDGE_CURE)
    return StepFailedError(state, f"{WORKER_CURE}; with slow models raise --seconds")
