"""Renders which processes reported lately as gauges, read from Redis at each scrape."""

import logging
from collections.abc import Iterable, Iterator
from typing import get_args

import redis
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from contracts.presence import Presence, ProcessKind, SeenProcess

log = logging.getLogger(__name__)


class ProcessCollector(Collector):
    """The gauges of the processes; while Redis is unavailable there are none."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._presence = Presence(client, prefix)

    def describe(self) -> list[Metric]:
        """Return nothing, because registering must not connect."""
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            processes = self._presence.read()
        except redis.RedisError as error:
            log.warning("Redis is unavailable, the metrics lack the processes: %s", error)
            return
        yield from process_gauges(processes)


def process_gauges(processes: Iterable[SeenProcess]) -> Iterator[Metric]:
    """Yield the number of processes of each kind, 0 included, and the steps that their workers can run at once."""
    reports = [process.report for process in processes]
    seen = GaugeMetricFamily("thoughts_processes_seen", "ALARM at 0: processes that reported lately", labels=["kind"])
    slots = GaugeMetricFamily("thoughts_worker_slots", "Steps that the workers can run at once", labels=["kind"])
    for kind in get_args(ProcessKind):
        seen.add_metric([kind], sum(report.kind == kind for report in reports))
    for kind in ("worker", "solo"):
        slots.add_metric([kind], sum(report.slots for report in reports if report.kind == kind))
    yield from (seen, slots)
