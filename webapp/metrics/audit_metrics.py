"""Renders the last audit's figures as gauges, named as in `python -m bridge audit --json`."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from contracts.audits import PARTITION_FIGURES, SINGLE_FIGURES, Figures

PREFIX = "thoughts_audit_"


def audit_gauges(figures: Figures, age_seconds: float) -> Iterator[Metric]:
    """Yield one gauge per figure. A figure that a relay of another release did not write is left out."""
    yield GaugeMetricFamily(f"{PREFIX}age_seconds", "Seconds since a relay wrote these figures", value=age_seconds)
    is_consistent = bool(figures.get("consistent"))
    yield GaugeMetricFamily(f"{PREFIX}consistent", "1 when the audit found no inconsistency", value=is_consistent)
    for name, about in SINGLE_FIGURES.items():
        if name in figures:
            yield GaugeMetricFamily(f"{PREFIX}{name}", about, value=figures[name])
    findings = GaugeMetricFamily(f"{PREFIX}findings", "ALARM above 0: inconsistencies by kind", labels=["kind"])
    for kind, number in figures.get("findings", {}).items():
        findings.add_metric([kind], number)
    yield findings
    yield from _partitions(figures.get("partitions", []))


def _partitions(partitions: list[Figures]) -> Iterator[Metric]:
    for name, about in PARTITION_FIGURES.items():
        gauge = GaugeMetricFamily(f"{PREFIX}{name}", about, labels=["partition"])
        for partition in (partition for partition in partitions if name in partition):
            gauge.add_metric([str(partition.get("partition"))], partition[name])
        yield gauge
    records = GaugeMetricFamily(f"{PREFIX}records", "Records by their thought's state", labels=["partition", "state"])
    for partition in partitions:
        for state, number in partition.get("records", {}).items():
            records.add_metric([str(partition.get("partition")), state], number)
    yield records
