"""Renders what workers dropped from the broker's lists."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, Metric


def dropped_counter(dropped: Mapping[str, int]) -> Iterator[Metric]:
    """Yield the counter of dropped items, with their kind as its label."""
    counter = CounterMetricFamily(
        "thoughts_broker_messages_dropped", "Items of the broker's lists that were no messages", labels=["kind"]
    )
    for kind, number in dropped.items():
        counter.add_metric([kind], number)
    yield counter
