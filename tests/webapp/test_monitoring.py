"""Who may read /metrics and the details of /health/ready: this machine, or the holder of METRICS_TOKEN."""

from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr
from werkzeug.test import TestResponse

from contracts.settings import SettingsError, load_settings
from tests.webapp.conftest import MakeApp

TOKEN = "a-token-of-the-monitoring"
ADDRESSES = {"database_url": "postgresql://x/x", "redis_url": "redis://x", "kafka_bootstrap_servers": "x:1"}


@pytest.fixture
def published(make_app: MakeApp) -> Flask:
    """A page that others may reach, without METRICS_TOKEN."""
    return make_app(trust_user_id=False)


@pytest.fixture
def with_token(make_app: MakeApp) -> Flask:
    return make_app(trust_user_id=True, metrics_token=SecretStr(TOKEN))


def get(app: Flask, path: str, address: str = "127.0.0.1", **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().get(path, headers=named, environ_overrides={"REMOTE_ADDR": address})


def may_read(app: Flask, address: str = "127.0.0.1", **headers: str) -> bool:
    """Return whether a client gets metrics and details; both must answer alike, and /health/ready always the status."""
    metrics, ready = (get(app, path, address, **headers) for path in ("/metrics", "/health/ready"))
    body: dict[str, Any] = ready.json or {}
    is_open = metrics.status_code == 200
    assert (metrics.status_code in {200, 401, 403}, "status" in body) == (True, True)
    assert ("thoughts_open" in metrics.text, set(body) > {"status"}) == (is_open, is_open)
    return is_open


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000"])
def test_without_a_token_programs_of_this_machine_may_read(published: Flask, address: str, host: str) -> None:
    assert may_read(published, address, Host=host)


@pytest.mark.parametrize("address", ["192.0.2.7", "10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1", ""])
def test_without_a_token_others_get_the_status_alone(published: Flask, address: str) -> None:
    assert not may_read(published, address, Host="localhost")
    assert set(get(published, "/health/ready", address).json or {}) == {"status"}
    answer = get(published, "/metrics", address)
    assert (answer.status_code, "METRICS_TOKEN" in answer.text) == (403, True)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "thoughts.example"},  # another site that points its name to the loopback address
        {"Host": "localhost", "X_Forwarded_For": "192.0.2.7"},
        {"Host": "localhost", "X_Forwarded_Proto": "https"},
        {"Host": "127.0.0.1", "Forwarded": "for=192.0.2.7"},
        {"Host": "127.0.0.1", "Via": "1.1 proxy"},
    ],
)
def test_without_a_token_what_a_proxy_of_this_machine_passes_on_gets_the_status_alone(
    published: Flask, headers: dict[str, str]
) -> None:
    assert not may_read(published, **headers)


def test_a_proxy_that_adds_no_header_uses_http_1_0(published: Flask) -> None:
    client = published.test_client()
    answer = client.get("/metrics", environ_overrides={"SERVER_PROTOCOL": "HTTP/1.0"})
    assert answer.status_code == 403


def test_with_trust_user_id_every_address_may_read(make_app: MakeApp) -> None:
    """Containers ask from the address of their network; only this machine reaches the published port."""
    assert may_read(make_app(trust_user_id=True), "172.18.0.1", Host="127.0.0.1:8000")


@pytest.mark.parametrize("address", ["127.0.0.1", "192.0.2.7"])
def test_with_a_token_its_holder_may_read_from_everywhere(with_token: Flask, address: str) -> None:
    assert may_read(with_token, address, Authorization=f"Bearer {TOKEN}")
    assert may_read(with_token, address, Authorization=f"bearer {TOKEN}", X_Forwarded_For="192.0.2.7")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer another-token-of-the-monitoring"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer \xff"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
    ],
)
def test_with_a_token_nobody_else_may_read_not_even_this_machine(with_token: Flask, headers: dict[str, str]) -> None:
    assert not may_read(with_token, **headers)
    answer = get(with_token, "/metrics", **headers)
    assert (answer.status_code, answer.headers["WWW-Authenticate"].lower()) == (401, "bearer")
    assert TOKEN not in answer.text


def test_a_token_in_the_address_counts_for_nothing(with_token: Flask) -> None:
    """Addresses are logged by proxies."""
    for name in ("token", "access_token", "METRICS_TOKEN"):
        assert get(with_token, f"/metrics?{name}={TOKEN}").status_code == 401


def test_the_check_of_a_load_balancer_needs_no_token(with_token: Flask, published: Flask) -> None:
    for app in (with_token, published):
        assert set(get(app, "/health", "192.0.2.7", Host="localhost").json or {}) == {"status", "checks"}
        answer = get(app, "/health/ready", "192.0.2.7", Host="localhost")
        assert (answer.status_code, set(answer.json or {})) == (200, {"status"})


def test_a_short_token_is_rejected_without_showing_it() -> None:
    with pytest.raises(SettingsError, match="METRICS_TOKEN: must have at least 16") as error:
        load_settings(_env_file=None, **ADDRESSES, metrics_token="short-token")
    assert "short-token" not in str(error.value)
