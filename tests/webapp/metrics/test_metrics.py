"""The metrics of requests, streams and the backlog."""

from uuid import uuid4

from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from contracts.settings import Settings
from tests.webapp.conftest import MakeApp
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.health_checks import UNREACHABLE
from tests.webapp.http_client import submit
from tests.webapp.metrics.scraping import scrape
from tests.webapp.reported_processes import reported


def test_the_metrics_count_requests_and_the_backlog(
    client: FlaskClient, worker: FakeWorker, database: Database
) -> None:
    ids = [submit(client, user=uuid4()) for _ in range(3)]
    worker.dispatch(ids[0])
    database.rows(text("UPDATE outbox SET parked_at = now() WHERE id = (SELECT max(id) FROM outbox)"))
    database.rows(text("INSERT INTO dead_letters (failure_id, reason, headers) VALUES ('f', 'r', '{}')"))
    metrics = scrape(client)
    assert metrics["thoughts_accepted_total"] == 3
    assert metrics["thoughts_outbox_rows"] == 3
    assert metrics["thoughts_outbox_parked_rows"] == 1
    assert metrics["thoughts_waiting_oldest_seconds"] > 0
    assert metrics["thoughts_outbox_oldest_seconds"] > 0
    assert metrics["thoughts_dead_letters_open"] == 1
    assert metrics['thoughts_open{status="pending"}'] == 2
    assert metrics['thoughts_open{status="processing"}'] == 1
    assert metrics["thoughts_streams_open"] == 0
    assert metrics['thoughts_http_requests_total{method="POST",route="/thoughts",status="201"}'] == 3


def test_the_metrics_lack_the_backlog_while_postgres_is_unavailable(make_app: MakeApp) -> None:
    metrics = scrape(make_app(**UNREACHABLE).test_client())
    assert metrics["thoughts_database_up"] == 0
    assert "thoughts_outbox_rows" not in metrics


def test_clients_cannot_create_labels(client: FlaskClient) -> None:
    def series_after_unusual_requests(number: int) -> set[str]:
        client.open("/thoughts", method=f"BREW{number}")
        client.get(f"/made-up-{number}")
        client.get(f"/thoughts/{uuid4()}")
        client.get(f"/static/{number}.js")
        return set(scrape(client))

    first = series_after_unusual_requests(1)
    assert 'thoughts_http_requests_total{method="other",route="unknown",status="405"}' in first
    series_after_unusual_requests(2)
    metrics_request = {'thoughts_http_requests_total{method="GET",route="/metrics",status="200"}'}
    assert {name for name in series_after_unusual_requests(3) - first if "_created" not in name} <= metrics_request


def test_the_metrics_count_the_processes_that_were_seen_by_kind(make_app: MakeApp, settings: Settings) -> None:
    own = settings.model_copy(update={"redis_sse_prefix": f"{settings.redis_sse_prefix}-seen"})  # others hold real webs
    with reported(own, "worker", "worker", "bridge"):
        metrics = scrape(make_app(redis_sse_prefix=own.redis_sse_prefix).test_client())
    kinds = ("web", "relay", "bridge", "worker", "solo", "beat")
    assert [metrics[f'thoughts_processes_seen{{kind="{kind}"}}'] for kind in kinds] == [0, 0, 1, 2, 0, 0]
    assert metrics['thoughts_worker_slots{kind="worker"}'] == 80


def test_the_metrics_lack_the_processes_while_redis_is_unavailable(make_app: MakeApp) -> None:
    metrics = scrape(make_app(redis_url=UNREACHABLE["redis_url"]).test_client())
    assert not [name for name in metrics if name.startswith("thoughts_processes_seen")]
    assert metrics["thoughts_database_up"] == 1
