"""Renders what workers dropped from the broker's lists, read from Redis at each scrape."""

import logging
from collections.abc import Iterator

import redis
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from contracts.dropped_messages import read_dropped
from contracts.refusals import redis_trouble
from contracts.trouble_log import log_trouble

log = logging.getLogger(__name__)


class BrokerCollector(Collector):
    """The counter of dropped items; while Redis is unavailable there is none."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def describe(self) -> list[Metric]:
        """Return nothing, because registering must not connect."""
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            dropped = read_dropped(self._client, self._prefix)
        except redis.RedisError as error:
            log_trouble(log, redis_trouble(error), "the metrics lack the dropped messages")
            return
        counter = CounterMetricFamily(
            "thoughts_broker_messages_dropped", "Items of the broker's lists that were no messages", labels=["kind"]
        )
        for kind, number in dropped.items():
            counter.add_metric([kind], number)
        yield counter
