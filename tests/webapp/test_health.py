"""GET /health."""

import redis

from contracts.model_state import ModelState
from contracts.settings import Settings
from tests.webapp.conftest import MakeApp
from tests.webapp.health_checks import UNREACHABLE, get_health
from tests.webapp.model_states import REFUSED, store_states


def test_the_web_is_ok_when_all_checks_are(make_app: MakeApp) -> None:
    status, body, oks = get_health(make_app())
    assert (status, body["status"]) == (200, "ok")
    assert oks == {"postgres": True, "redis": True, "kafka": True, "models": True}
    for name in ("postgres", "redis", "kafka"):
        assert body["checks"][name]["latency_ms"] >= 0


def test_the_web_is_degraded_and_answers_200_without_kafka_or_redis(make_app: MakeApp) -> None:
    for server, setting in (("kafka", "kafka_bootstrap_servers"), ("redis", "redis_url")):
        status, body, oks = get_health(make_app(**{setting: UNREACHABLE[setting]}))
        assert (status, body["status"]) == (200, "degraded")
        assert [name for name, is_ok in oks.items() if not is_ok] == [server]


def test_the_web_is_down_and_answers_503_without_postgres(make_app: MakeApp) -> None:
    status, body, oks = get_health(make_app(**UNREACHABLE))
    assert (status, body["status"]) == (503, "down")
    assert oks == {"postgres": False, "redis": False, "kafka": False, "models": True}
    assert body["checks"]["models"]["unknown"]


def test_the_check_of_a_disabled_kafka_is_ok(make_app: MakeApp) -> None:
    status, body, oks = get_health(make_app(kafka_enabled=False, kafka_bootstrap_servers=""))
    assert (status, body["status"], oks["kafka"]) == (200, "ok", True)


def test_the_web_is_degraded_and_names_the_models_that_are_unavailable(
    make_app: MakeApp, settings: Settings, redis_client: redis.Redis
) -> None:
    store_states(redis_client, settings, {"openai:gpt": REFUSED, "ollama:small": ModelState()})
    status, body, oks = get_health(make_app())
    assert (status, body["status"], oks["models"]) == (200, "degraded", False)
    assert body["checks"]["models"]["unavailable"] == [
        {
            "model": "openai:gpt",
            "cause": "refused_key",
            "message": "The service refuses the key.",
            "since": "2026-11-29T10:04:00Z",
        }
    ]
    assert "OPENAI_API_KEY" not in str(body), "the cure is for operators"
