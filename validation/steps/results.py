"""Step 9: the thought's row in PostgreSQL is completed and has a result of each agent."""

from collections.abc import Sequence
from typing import Final

from agents.catalogue import CATALOGUE
from contracts.database import Row
from validation.outcome import StepFailedError
from validation.queries import RESULTS
from validation.site import Site
from validation.steps.consumer import NO_THOUGHT_CURE
from validation.steps.progress import read_thought, require_not_failed, unfinished
from validation.waiting import wait_for

INCOMPLETE_CURE: Final = "run `python -m bridge audit`: it names every thought that is not as it must be"


def check_results(site: Site) -> str:
    """Read the row and the results of the thought of the step `producer`."""
    if site.first_thought is None:
        raise StepFailedError("there is no thought to look for", NO_THOUGHT_CURE)
    thought = site.first_thought
    row = wait_for(lambda: _completed(site, thought.id), thought.sent_at + site.seconds)
    if row is None:
        raise unfinished(thought.id, read_thought(site, thought.id), "last result", site.seconds)
    return judge_results(thought.id, row, site.database.rows(RESULTS, id=thought.id))


def _completed(site: Site, thought_id: str) -> Row | None:
    row = read_thought(site, thought_id)
    require_not_failed(thought_id, row)
    return row if row.status == "completed" else None


def judge_results(thought_id: str, row: Row, results: Sequence[Row]) -> str:
    """Return the agents that have a result. Raises StepFailedError when one is missing or empty."""
    present = {result.agent for result in results if result.output}
    if missing := [name for name in CATALOGUE.names if name not in present]:
        raise StepFailedError(
            f"thought {thought_id} is {row.status} but has no result of: {', '.join(missing)}", INCOMPLETE_CURE
        )
    makers = ", ".join(dict.fromkeys(f"{result.provider}/{result.model}" for result in results))
    agents = ", ".join(f"{result.step} {result.agent}" for result in results)
    milliseconds = round(row.processing_seconds * 1000)
    return f"thought {thought_id}: {row.status} after {milliseconds} ms, {len(results)} results by {makers}: {agents}"
