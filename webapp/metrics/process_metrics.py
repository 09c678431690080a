"""Renders which processes reported lately as gauges."""

from collections.abc import Iterable, Iterator
from typing import get_args

from prometheus_client.core import GaugeMetricFamily, Metric

from contracts.presence import ProcessKind, SeenProcess


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
