"""The Celery task of a step, which sends the message of the next step, or its own again for a retry."""

import logging
from collections.abc import Sequence
from typing import Any

from celery import Task

from contracts.refusals import redis_trouble
from contracts.trouble_log import log_trouble
from tasks.redis_transport import BROKER_ERRORS

log = logging.getLogger(__name__)


class StepTask(Task):  # type: ignore[misc]  # Celery has no type hints
    """A task whose message may be lost: a bridge sends the step again when its lease expires."""

    def apply_async(self, args: Sequence[Any] = (), kwargs: Any = None, **options: Any) -> Any:
        """Send a message, or log in one line why the broker does not take it: Celery would log two tracebacks."""
        try:
            return super().apply_async(args, kwargs, **options)
        except BROKER_ERRORS as error:
            consequence = "a step is sent again when its lease expires"
            log_trouble(log, redis_trouble(error), consequence, extra={"thought_id": args[0], "task": self.name})
            return None
