"""Renders the states of the model services as gauges, read from Redis at each scrape."""

import logging
from collections.abc import Iterator

import redis
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from contracts.model_state import ModelState, read_states
from contracts.refusals import redis_trouble
from contracts.trouble_log import log_trouble

log = logging.getLogger(__name__)


class ModelCollector(Collector):
    """The gauges of the models; while Redis is unavailable there are none."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def describe(self) -> list[Metric]:
        """Return nothing, because registering must not connect."""
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            states = read_states(self._client, self._prefix)
        except redis.RedisError as error:
            log_trouble(log, redis_trouble(error), "the metrics lack the models")
            return
        yield from model_gauges(states)


def model_gauges(states: dict[str, ModelState]) -> Iterator[Metric]:
    """Yield a gauge per figure, with the model as its label. A limit of 0 stands for AI_MAX_CONCURRENCY."""
    available = GaugeMetricFamily("thoughts_model_available", "ALARM at 0: whether it answers", labels=["model"])
    calls = GaugeMetricFamily("thoughts_model_calls", "Calls of the model in progress", labels=["model"])
    limit = GaugeMetricFamily("thoughts_model_call_limit", "Calls allowed at the same time", labels=["model"])
    for model, state in states.items():
        available.add_metric([model], 0 if state.outage else 1)
        calls.add_metric([model], len(state.calls))
        limit.add_metric([model], state.limit)
    yield from (available, calls, limit)
