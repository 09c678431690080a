"""Says what Flask-Limiter counted for the present request."""

import math
import time
from collections.abc import Sequence

from flask import current_app
from flask_limiter import Limiter, RequestLimit


def counted_limits() -> Sequence[RequestLimit]:
    """Return the limits that the request counts for, those with the shortest windows first, or none."""
    limiters: list[Limiter] = current_app.extensions["thoughts_limiters"]
    return [limit for limiter in limiters for limit in limiter.current_limits]


def breached_limit() -> RequestLimit | None:
    """Return the limit that refuses the request, or None."""
    return next((limit for limit in counted_limits() if limit.breached), None)


def name_of(limit: RequestLimit) -> str:
    """Return the name of the limit, which is the last part of its key."""
    return limit.request_args[-1]


def seconds_left(limit: RequestLimit) -> int:
    """Return after how many seconds the window ends, at least 1. Raises StorageError."""
    return max(1, math.ceil(limit.reset_at - time.time()))
