"""GET /health and GET /metrics."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID, uuid4

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from contracts.settings import Settings
from tests.webapp.conftest import MakeApp
from tests.webapp.worker_by_hand import Work

NOWHERE = {
    "database_url": "postgresql+psycopg2://thoughts@127.0.0.1:9/thoughts",
    "redis_url": "redis://127.0.0.1:9/0",
    "kafka_bootstrap_servers": "127.0.0.1:9",
}


def health(app: Flask) -> tuple[int, dict[str, Any], dict[str, bool]]:
    answer = app.test_client().get("/health")
    found = answer.json or {}
    return answer.status_code, found, {name: check["ok"] for name, check in found["checks"].items()}


def test_all_is_well(make_app: MakeApp) -> None:
    status, found, oks = health(make_app())
    assert (status, found["status"]) == (200, "ok")
    assert oks == {"postgres": True, "redis": True, "kafka": True}
    for check in found["checks"].values():
        assert check["latency_ms"] >= 0


def test_without_kafka_or_redis_the_web_is_degraded_and_answers_200(make_app: MakeApp) -> None:
    for missing in ("kafka", "redis"):
        name = {"kafka": "kafka_bootstrap_servers", "redis": "redis_url"}[missing]
        status, found, oks = health(make_app(**{name: NOWHERE[name]}))
        assert (status, found["status"]) == (200, "degraded")
        assert [name for name, ok in oks.items() if not ok] == [missing]


def test_a_broker_that_answers_is_found_behind_two_that_are_cut_off(make_app: MakeApp, settings: Settings) -> None:
    with cut_off() as first, cut_off() as second:
        servers = f"{first},{second},{settings.kafka_bootstrap_servers}"
        _, found, oks = health(make_app(kafka_bootstrap_servers=servers))
    assert oks["kafka"], found


@contextmanager
def cut_off() -> Iterator[str]:
    """An address that answers no attempt to connect: its queue is as short as can be, and full."""
    with socket.socket() as server, ExitStack() as waiting:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(3):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(server.getsockname())
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_without_postgres_the_web_is_down_and_answers_503(make_app: MakeApp) -> None:
    status, found, oks = health(make_app(**NOWHERE))
    assert (status, found["status"]) == (503, "down")
    assert not any(oks.values())


def test_kafka_that_is_switched_off_is_well(make_app: MakeApp) -> None:
    status, found, oks = health(make_app(kafka_enabled=False, kafka_bootstrap_servers=""))
    assert (status, found["status"], oks["kafka"]) == (200, "ok", True)


def gauges(client: FlaskClient) -> dict[str, float]:
    answer = client.get("/metrics")
    assert answer.mimetype == "text/plain"
    lines = [line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_the_metrics_tell_the_state_of_the_work(client: FlaskClient, work: Work, database: Database) -> None:
    ids = [(client.post("/thoughts", json={"text": "x", "user_id": str(uuid4())}).json or {})["id"] for _ in range(3)]
    work.take(UUID(ids[0]))
    database.rows(text("UPDATE outbox SET parked_at = now() WHERE id = (SELECT max(id) FROM outbox)"))
    database.rows(text("INSERT INTO dead_letters (failure_id, reason, headers) VALUES ('f', 'r', '{}')"))
    found = gauges(client)
    assert found["thoughts_accepted_total"] == 3
    assert found["thoughts_outbox_rows"] == 3
    assert found["thoughts_outbox_parked_rows"] == 1
    assert found["thoughts_outbox_oldest_seconds"] > 0
    assert found["thoughts_dead_letters_open"] == 1
    assert found['thoughts_open{status="pending"}'] == 2
    assert found['thoughts_open{status="processing"}'] == 1
    assert found["thoughts_streams_open"] == 0
    assert found['thoughts_http_requests_total{method="POST",route="/thoughts",status="201"}'] == 3


FIGURES = {
    "adds_up": False,
    "silent_thoughts": 2,
    "findings": {"silent": 2, "order": 0},
    "partitions": [
        {"partition": 1, "first": 0, "end": 9, "committed": 7, "lag": 2, "records": {"completed": 7, "waiting": 2}}
    ],
}


def test_the_metrics_tell_what_the_last_audit_counted(client: FlaskClient, database: Database) -> None:
    assert not [name for name in gauges(client) if name.startswith("thoughts_audit")]
    insert = text("INSERT INTO audits (at, figures) VALUES (now() - interval '1 min', CAST(:figures AS jsonb))")
    database.rows(insert, figures=json.dumps(FIGURES))
    found = gauges(client)
    assert found["thoughts_audit_age_seconds"] >= 60
    assert found["thoughts_audit_adds_up"] == 0
    assert found["thoughts_audit_silent_thoughts"] == 2
    assert found['thoughts_audit_findings{kind="silent"}'] == 2
    assert found['thoughts_audit_lag{partition="1"}'] == 2
    assert found['thoughts_audit_committed{partition="1"}'] == 7
    assert found['thoughts_audit_records{partition="1",state="waiting"}'] == 2


def test_figures_of_another_release_are_shown_as_far_as_they_go(client: FlaskClient, database: Database) -> None:
    lacking = {"adds_up": True, "partitions": [{"partition": 1, "end": 9}, {"first": 0, "records": {"completed": 7}}]}
    insert = text("INSERT INTO audits (figures) VALUES (CAST(:figures AS jsonb))")
    database.rows(insert, figures=json.dumps(lacking))
    found = gauges(client)
    assert (found["thoughts_audit_adds_up"], found['thoughts_audit_end{partition="1"}']) == (1, 9)


def test_the_metrics_answer_without_postgres(make_app: MakeApp) -> None:
    found = gauges(make_app(**NOWHERE).test_client())
    assert found["thoughts_database_up"] == 0
    assert "thoughts_outbox_rows" not in found


def test_what_clients_make_up_does_not_become_a_label(client: FlaskClient) -> None:
    def series_after_strange_requests(number: int) -> set[str]:
        client.open("/thoughts", method=f"BREW{number}")
        client.get(f"/made-up-{number}")
        client.get(f"/thoughts/{uuid4()}")
        client.get(f"/static/{number}.js")
        return set(gauges(client))

    first = series_after_strange_requests(1)
    assert 'thoughts_http_requests_total{method="other",route="unknown",status="405"}' in first
    series_after_strange_requests(2)
    metrics_itself = {'thoughts_http_requests_total{method="GET",route="/metrics",status="200"}'}
    assert {name for name in series_after_strange_requests(3) - first if "_created" not in name} <= metrics_itself
