"""Renders the states of the model services as gauges."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from contracts.model_state import ModelState


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
