"""The last audit's figures as gauges; their names are the words of `python -m bridge audit --json`."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from contracts.audits import PARTITION_FIGURES, SINGLE_FIGURES, Figures

PREFIX = "thoughts_audit_"


def audit_gauges(figures: Figures, age_seconds: float) -> Iterator[Metric]:
    """One gauge a figure. What a relay of another release did not count is left out."""
    yield GaugeMetricFamily(f"{PREFIX}age_seconds", "How long ago a relay wrote these figures", value=age_seconds)
    yield GaugeMetricFamily(f"{PREFIX}adds_up", "1 when nothing was found", value=bool(figures.get("adds_up")))
    for name, about in SINGLE_FIGURES.items():
        if name in figures:
            yield GaugeMetricFamily(f"{PREFIX}{name}", about, value=figures[name])
    findings = GaugeMetricFamily(f"{PREFIX}findings", "ALARM above 0: what does not add up", labels=["kind"])
    for kind, number in figures.get("findings", {}).items():
        findings.add_metric([kind], number)
    yield findings
    yield from _partitions(figures.get("partitions", []))


def _partitions(partitions: list[Figures]) -> Iterator[Metric]:
    for name, about in PARTITION_FIGURES.items():
        gauge = GaugeMetricFamily(f"{PREFIX}{name}", about, labels=["partition"])
        for one in (each for each in partitions if name in each):
            gauge.add_metric([str(one.get("partition"))], one[name])
        yield gauge
    records = GaugeMetricFamily(f"{PREFIX}records", "Records by their thought's state", labels=["partition", "state"])
    for one in partitions:
        for state, number in one.get("records", {}).items():
            records.add_metric([str(one.get("partition")), state], number)
    yield records
