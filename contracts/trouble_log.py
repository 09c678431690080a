"""Logs what is wrong with a server: an outage each time, and a refusal once in 30 s."""

import logging
from collections.abc import Mapping
from typing import Final

from contracts.log_throttle import LogThrottle
from contracts.refusals import Trouble

_throttle: Final = LogThrottle()


def log_trouble(
    log: logging.Logger, trouble: Trouble, consequence: str, extra: Mapping[str, object] | None = None
) -> None:
    """Log one line: the state, the consequence for this process, and the cause; of a refusal also the cure."""
    if not trouble.is_refusal:
        log.warning("%s, %s: %s", trouble.state, consequence, trouble.detail, extra=extra)
    elif _throttle.allow(f"{log.name} {trouble.detail}"):
        log.error("%s, %s: %s", trouble.state, consequence, trouble.detail, extra=extra)
