"""Logs when a model becomes unavailable or available again, with what an operator can do."""

import logging
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from contracts.database import database_trouble
from contracts.model_state import ModelState
from contracts.trouble_log import log_trouble
from tasks.admission.changes import describe_change, is_change
from tasks.admission.gate import OnChange

log = logging.getLogger(__name__)


def report_changes(count_in_progress: Callable[[], int]) -> OnChange:
    """Return a function that logs one line per change. `count_in_progress` returns how many thoughts will wait."""

    def report(model: str, before: ModelState, after: ModelState) -> None:
        if not is_change(before, after):
            return
        line = describe_change(model, before, after, _count(count_in_progress))
        if line is not None:
            log.log(line.level, "%s", line.text)

    return report


def _count(count_in_progress: Callable[[], int]) -> int:
    try:
        return count_in_progress()
    except SQLAlchemyError as error:
        log_trouble(log, database_trouble(error), "the waiting thoughts are not counted")
        return 0
