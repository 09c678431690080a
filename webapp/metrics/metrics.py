"""GET /metrics for Prometheus: requests and streams of this process, and the backlog in PostgreSQL.

Each of several web processes on one port counts only its own requests; the gauges from PostgreSQL are the same in all.
`webapp.monitoring` decides who may read them.
"""

import logging
from collections.abc import Iterator
from functools import partial
from typing import Final

import redis
from flask import Blueprint, Flask, Response, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from contracts.database import Database, database_trouble
from contracts.dropped_messages import read_dropped
from contracts.model_state import read_states
from contracts.presence import Presence
from contracts.trouble_log import log_trouble
from webapp.hub.connection_limit import ConnectionLimiter
from webapp.metrics.audit_metrics import audit_gauges
from webapp.metrics.broker_metrics import dropped_counter
from webapp.metrics.model_metrics import model_gauges
from webapp.metrics.process_metrics import process_gauges
from webapp.metrics.redis_collector import RedisCollector
from webapp.queries import AUDIT, COUNTS, WAITING_FOR_MODEL, read

log = logging.getLogger(__name__)

blueprint = Blueprint("metrics", __name__)

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
"""The methods that get a label of their own. Clients can invent others, and each would add a permanent time series."""


class Metrics:
    """The metrics registry of one application."""

    def __init__(self, database: Database, limiter: ConnectionLimiter, client: redis.Redis, prefix: str) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "thoughts_http_requests", "HTTP responses", ["method", "route", "status"], registry=self.registry
        )
        self.accepted = Counter("thoughts_accepted", "Thoughts accepted by this process", registry=self.registry)
        streams = Gauge("thoughts_streams_open", "Open streams of this process", registry=self.registry)
        streams.set_function(lambda: limiter.open_connections)
        self.registry.register(_Backlog(database))
        self.registry.register(RedisCollector("the models", partial(read_states, client, prefix), model_gauges))
        self.registry.register(RedisCollector("the processes", Presence(client, prefix).read, process_gauges))
        self.registry.register(RedisCollector("dropped items", partial(read_dropped, client, prefix), dropped_counter))


class _Backlog(Collector):
    """Reads gauges from PostgreSQL at each scrape; while it is unavailable, the only one is thoughts_database_up 0."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> list[Metric]:
        """Return nothing, because registering must not connect."""
        return []

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("thoughts_database_up", "Whether PostgreSQL answered this scrape")
        try:
            gauges = list(self._gauges())
        except SQLAlchemyError as error:
            log_trouble(log, database_trouble(error), "the metrics lack its gauges")
            gauges = []
        up.add_metric([], 1 if gauges else 0)
        yield up
        yield from gauges

    def _gauges(self) -> Iterator[Metric]:
        counts = read(self._database, COUNTS)[0]
        for name, help_text, value in (
            ("outbox_rows", "Rows in the outbox", counts.outbox_rows),
            ("outbox_oldest_seconds", "Age of the oldest outbox row that is not parked", counts.outbox_oldest_seconds),
            (
                "outbox_parked_rows",
                "ALARM above 0: outbox rows that Kafka rejected permanently",
                counts.outbox_parked_rows,
            ),
            ("waiting_oldest_seconds", "Age of the oldest pending thought", counts.waiting_oldest_seconds),
            ("dead_letters_open", "Dead letters that are neither replayed nor discarded", counts.dead_letters),
        ):
            yield GaugeMetricFamily(f"thoughts_{name}", help_text, value=value)
        thoughts_open = GaugeMetricFamily("thoughts_open", "Thoughts that are not terminal", labels=["status"])
        thoughts_open.add_metric(["pending"], counts.pending)
        thoughts_open.add_metric(["processing"], counts.processing)
        yield thoughts_open
        waiting = GaugeMetricFamily("thoughts_waiting_for_model", "Thoughts that wait for their model", labels=["kind"])
        for row in read(self._database, WAITING_FOR_MODEL):
            waiting.add_metric([row.kind], row.number)
        yield waiting
        for audit in read(self._database, AUDIT):
            yield from audit_gauges(audit.figures, audit.age)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return the metrics in the text format of Prometheus."""
    return Response(generate_latest(_metrics().registry), content_type=CONTENT_TYPE_LATEST)


def count_requests(app: Flask) -> None:
    """Count every response by its route and not by its path, because clients must not be able to create labels."""

    def count(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "unknown"
        method = request.method if request.method in METHODS else "other"
        _metrics().requests.labels(method, route, response.status_code).inc()
        return response

    app.after_request(count)


def _metrics() -> Metrics:
    metrics = current_app.extensions["services"].metrics
    assert isinstance(metrics, Metrics)  # noqa: S101 - tells the type checker what services.py stored there
    return metrics
