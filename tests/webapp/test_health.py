"""GET /health and GET /health/ready."""

import threading
import time

import pytest
import redis

from contracts.model_state import ModelState
from contracts.presence import Presence, ProcessReport
from contracts.progress import channel
from contracts.reporter import Reporter
from contracts.settings import Settings
from tests.eventually import eventually
from tests.webapp.conftest import MakeApp
from tests.webapp.health_checks import UNREACHABLE, get_ready, wait_for_failed_checks
from tests.webapp.http_client import submit
from tests.webapp.model_states import REFUSED, store_states
from tests.webapp.reported_processes import ALL_KINDS, reported
from webapp.readiness.probe import INTERVAL_SECONDS
from webapp.readiness.report import EFFECTS


@pytest.mark.usefixtures("_system_runs")
def test_everything_is_ready_when_each_dependency_works_and_each_kind_of_process_was_seen(make_app: MakeApp) -> None:
    app = make_app()
    submit(app.test_client())
    status, body = wait_for_failed_checks(app)
    assert (status, body["status"], body["problems"]) == (200, "ok", [])
    assert {name for name, check in body["checks"].items() if check.get("latency_ms")} == {"postgres", "redis", "kafka"}
    assert body["checks"]["worker"] == {"ok": True, "seen": 1, "slots": 40}
    assert (body["backlog"]["waiting"], body["backlog"]["outbox_rows"]) == (1, 1)
    assert body["backlog"]["oldest_waiting_seconds"] >= 0


def test_without_postgres_no_thought_is_accepted(make_app: MakeApp) -> None:
    app = make_app(**UNREACHABLE)
    response = app.test_client().get("/health")
    assert (response.status_code, (response.json or {})["status"]) == (503, "down")
    status, body = wait_for_failed_checks(app, "postgres", "redis", "kafka")
    assert (status, body["status"]) == (503, "down")
    assert body["backlog"] is None
    assert body["checks"]["worker"]["unknown"], "only Redis knows of the workers"
    assert "127.0.0.1" not in str(body)


def test_health_is_about_accepting_thoughts_and_nothing_else(make_app: MakeApp) -> None:
    others = {name: value for name, value in UNREACHABLE.items() if name != "database_url"}
    response = make_app(**others).test_client().get("/health")
    assert response.status_code == 200
    assert (response.json or {})["checks"].keys() == {"postgres"}


@pytest.mark.parametrize("component", ["kafka", "redis"])
@pytest.mark.usefixtures("_system_runs")
def test_without_kafka_or_redis_thoughts_wait(make_app: MakeApp, component: str) -> None:
    setting = {"kafka": "kafka_bootstrap_servers", "redis": "redis_url"}[component]
    status, body = wait_for_failed_checks(make_app(**{setting: UNREACHABLE[setting]}), component)
    assert (status, body["status"]) == (200, "degraded")
    [problem] = body["problems"]
    assert problem == {
        "component": component,
        "problem": f"{component.capitalize()} is unavailable.",
        "effect": EFFECTS[component],
    }


@pytest.mark.parametrize("missing", ["relay", "bridge", "worker", "solo"])
def test_a_kind_of_process_that_was_not_seen_is_a_problem(make_app: MakeApp, settings: Settings, missing: str) -> None:
    with reported(settings, *[kind for kind in ALL_KINDS if kind != missing]):
        status, body = wait_for_failed_checks(make_app(), missing)
    assert (status, body["status"]) == (200, "degraded")
    assert body["problems"][0]["problem"] == f"No {missing} was seen lately."


def test_a_process_that_a_server_refuses_its_work_is_a_problem_although_it_runs(
    make_app: MakeApp, settings: Settings, redis_client: redis.Redis
) -> None:
    with reported(settings, *[kind for kind in ALL_KINDS if kind != "bridge"]):
        report = ProcessReport("bridge", "blocked", is_blocked=True)
        with Reporter(Presence(redis_client, settings.redis_prefix), lambda: report):
            eventually(lambda: redis_client.hexists(f"{settings.redis_prefix}:processes", "blocked"))
            status, body = wait_for_failed_checks(make_app(), "bridge")
    assert (status, body["status"]) == (200, "degraded")
    assert body["problems"][0]["problem"] == "A bridge runs, but a server refuses what it needs; its log says what."


def test_beat_is_missed_in_batch_mode_only_and_the_relay_only_with_kafka(make_app: MakeApp, settings: Settings) -> None:
    with reported(settings, "bridge", "worker", "solo"):
        wait_for_failed_checks(make_app(), "relay")
        wait_for_failed_checks(make_app(kafka_mode=False), "relay", "beat")
        _, body = wait_for_failed_checks(make_app(kafka_enabled=False, kafka_bootstrap_servers=""), "beat")
    assert body["checks"]["kafka"]["disabled"]


@pytest.mark.usefixtures("_system_runs")
def test_a_model_that_is_unavailable_is_a_problem(
    make_app: MakeApp, settings: Settings, redis_client: redis.Redis
) -> None:
    store_states(redis_client, settings, {"openai:gpt": REFUSED, "ollama:small": ModelState()})
    status, body = wait_for_failed_checks(make_app(), "models")
    assert (status, body["status"]) == (200, "degraded")
    assert body["checks"]["models"]["unavailable"] == [
        {
            "model": "openai:gpt",
            "cause": "refused_key",
            "message": "The service refuses the key.",
            "since": "2026-11-29T10:04:00Z",
        }
    ]
    assert "OPENAI_API_KEY" not in str(body), "the cure is for operators"


@pytest.mark.usefixtures("_system_runs")
def test_a_broker_that_is_another_redis_is_checked_as_well(make_app: MakeApp) -> None:
    wait_for_failed_checks(make_app(celery_broker_url="redis://127.0.0.1:9/1"), "broker")


@pytest.mark.usefixtures("_system_runs")
def test_however_many_ask_at_once_each_dependency_is_checked_once(
    make_app: MakeApp, settings: Settings, redis_client: redis.Redis
) -> None:
    app = make_app(redis_sse_prefix=f"{settings.redis_sse_prefix}-many")  # other webs publish under the shared one
    subscription = redis_client.pubsub(ignore_subscribe_messages=True)
    subscription.subscribe(channel(app.extensions["services"].settings.redis_prefix, "health"))
    assert subscription.get_message(timeout=5) is None, "the confirmation"
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(get_ready(app)[0])) for _ in range(30)]
    started_at = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    due = 2 + int((time.monotonic() - started_at) / INTERVAL_SECONDS)
    assert answers == [200] * 30
    published = 0
    while subscription.get_message(timeout=0.5):
        published += 1
    subscription.close()
    assert 1 <= published <= 2 * due, "a check publishes twice"


@pytest.mark.usefixtures("_system_runs")
def test_the_answer_follows_a_process_that_stops_and_comes_back(make_app: MakeApp, settings: Settings) -> None:
    app = make_app(redis_sse_prefix=f"{settings.redis_sse_prefix}-other")
    with reported(app.extensions["services"].settings, *ALL_KINDS):
        wait_for_failed_checks(app)
    wait_for_failed_checks(app, "relay", "bridge", "worker", "solo")
    with reported(app.extensions["services"].settings, *ALL_KINDS):
        wait_for_failed_checks(app)
