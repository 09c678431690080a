"""Retries an operation until it succeeds: the one retry loop of all processes."""

import time
from collections.abc import Callable, Iterable
from math import inf
from typing import TypeVar

T = TypeVar("T")

Errors = type[Exception] | tuple[type[Exception], ...]


def retry(
    operation: Callable[[], T],
    *,
    errors: Errors,
    delays: Iterable[float],
    is_transient: Callable[[Exception], bool] = lambda _: True,
    timeout: float = inf,
    on_retry: Callable[[Exception, float], None] = lambda _, __: None,
    sleep: Callable[[float], None] | None = None,
) -> T:
    """Call `operation` and return its result; while it fails, call it again after each of the `delays` (seconds).

    Raises the operation's error when it is none of `errors`, when it is not transient, when the delays are used up, and
    when the next call would begin more than `timeout` seconds after the first. `on_retry` receives the error and the
    delay before each further call, and may raise to stop retrying.
    """
    started = time.monotonic()
    for delay in delays:
        try:
            return operation()
        except errors as error:
            if not is_transient(error) or time.monotonic() + delay > started + timeout:
                raise
            on_retry(error, delay)
        (sleep or time.sleep)(delay)
    return operation()
