"""Renders figures that are read from Redis at each scrape; while Redis is unavailable there are none."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

import redis
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from contracts.refusals import redis_trouble
from contracts.trouble_log import log_trouble

log = logging.getLogger(__name__)

T = TypeVar("T")


class RedisCollector(Collector, Generic[T]):
    """Reads with `read`, which raises redis.RedisError, and renders with `render`. `name` is for the log."""

    def __init__(self, name: str, read: Callable[[], T], render: Callable[[T], Iterable[Metric]]) -> None:
        self._name = name
        self._read = read
        self._render = render

    def describe(self) -> list[Metric]:
        """Return nothing, because registering must not connect."""
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            figures = self._read()
        except redis.RedisError as error:
            log_trouble(log, redis_trouble(error), f"the metrics lack {self._name}")
            return
        yield from self._render(figures)
