"""GET /health."""

from tests.webapp.conftest import MakeApp
from tests.webapp.health_checks import UNREACHABLE, get_health


def test_the_web_is_ok_when_all_checks_are(make_app: MakeApp) -> None:
    status, body, oks = get_health(make_app())
    assert (status, body["status"]) == (200, "ok")
    assert oks == {"postgres": True, "redis": True, "kafka": True}
    for check in body["checks"].values():
        assert check["latency_ms"] >= 0


def test_the_web_is_degraded_and_answers_200_without_kafka_or_redis(make_app: MakeApp) -> None:
    for server, setting in (("kafka", "kafka_bootstrap_servers"), ("redis", "redis_url")):
        status, body, oks = get_health(make_app(**{setting: UNREACHABLE[setting]}))
        assert (status, body["status"]) == (200, "degraded")
        assert [name for name, is_ok in oks.items() if not is_ok] == [server]


def test_the_web_is_down_and_answers_503_without_postgres(make_app: MakeApp) -> None:
    status, body, oks = get_health(make_app(**UNREACHABLE))
    assert (status, body["status"]) == (503, "down")
    assert not any(oks.values())


def test_the_check_of_a_disabled_kafka_is_ok(make_app: MakeApp) -> None:
    status, body, oks = get_health(make_app(kafka_enabled=False, kafka_bootstrap_servers=""))
    assert (status, body["status"], oks["kafka"]) == (200, "ok", True)
