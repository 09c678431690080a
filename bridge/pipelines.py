"""What an event of the work topic becomes: how it is read, and the Celery tasks of its chain. One row a pipeline."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from contracts.events import ThoughtCreated, parse_created
from contracts.queues import TOTAL_STEPS, task_name


@dataclass(frozen=True, slots=True)
class Pipeline:
    """`read` raises UnreadableEventError; `tasks` are in the order of the steps."""

    read: Callable[[bytes | None], ThoughtCreated]
    tasks: tuple[str, ...]


THOUGHT_CREATED: Final = Pipeline(parse_created, tuple(task_name(step) for step in range(1, TOTAL_STEPS + 1)))

PIPELINES: Final = {"thought_created": THOUGHT_CREATED}
