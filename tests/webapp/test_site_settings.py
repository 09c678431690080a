"""ALLOWED_HOSTS, HSTS_SECONDS and TRUSTED_PROXIES."""

from typing import Any

import pytest
from flask import Flask, request

from contracts.settings import SettingsError, load_settings
from tests.webapp.conftest import MakeApp

ADDRESSES = {"database_url": "postgresql://x/x", "redis_url": "redis://x", "kafka_bootstrap_servers": "x:1"}


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"trust_user_id": False}


@pytest.mark.parametrize("host", ["thoughts.example", "THOUGHTS.example:8443", "a.other.example", "other.example"])
def test_a_host_of_allowed_hosts_is_served(make_app: MakeApp, host: str) -> None:
    client = make_app(allowed_hosts="thoughts.example, .other.example").test_client()
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "thoughts.example.evil.example", "xthoughts.example", "", "@", "[::1]"]
)
def test_a_foreign_host_is_refused_when_allowed_hosts_is_set(make_app: MakeApp, host: str) -> None:
    client = make_app(allowed_hosts="thoughts.example").test_client()
    for path in ("/", "/thoughts", "/account/sign-in", "/nowhere", "/static/live.js"):
        with client.get(path, headers={"Host": host}) as response:
            assert response.status_code == 400, path
            assert "evil.example" not in response.get_data(as_text=True)
    assert client.get("/health", headers={"Host": host}).status_code == 200, "a load balancer names an address"


def test_hsts_is_sent_over_tls_when_it_is_set(make_app: MakeApp) -> None:
    with_hsts, without = make_app(hsts_seconds=600).test_client(), make_app().test_client()
    sent = [
        client.get("/", base_url=f"{scheme}://localhost").headers.get("Strict-Transport-Security")
        for client in (with_hsts, without)
        for scheme in ("https", "http")
    ]
    assert sent == ["max-age=600", None, None, None]


def test_hsts_names_the_subdomains_when_the_operator_says_so(make_app: MakeApp) -> None:
    client = make_app(hsts_seconds=600, hsts_subdomains=True).test_client()
    answer = client.get("/", base_url="https://localhost")
    assert answer.headers["Strict-Transport-Security"] == "max-age=600; includeSubDomains"


def seen(app: Flask, **headers: str) -> tuple[str | None, bool, str]:
    """Return the client's address, whether TLS is used, and the host that the application sees."""
    saw: list[tuple[str | None, bool, str]] = []
    app.before_request(lambda: saw.append((request.remote_addr, request.is_secure, request.host)))
    app.test_client().get("/health", headers={name.replace("_", "-"): value for name, value in headers.items()})
    return saw[0]


FORWARDED = {"X_Forwarded_For": "9.9.9.9, 8.8.8.8", "X_Forwarded_Proto": "https", "X_Forwarded_Host": "evil.example"}


def test_the_headers_of_a_proxy_are_ignored_by_default(make_app: MakeApp) -> None:
    assert seen(make_app(), **FORWARDED) == ("127.0.0.1", False, "localhost")


def test_with_trusted_proxies_the_address_that_the_last_proxy_saw_counts(make_app: MakeApp) -> None:
    """Entries before it were written by the client, and so was the other host."""
    assert seen(make_app(trusted_proxies=1), **FORWARDED) == ("8.8.8.8", True, "localhost")


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"allowed_hosts": "https://thoughts.example"}, "ALLOWED_HOSTS"),
        ({"public_url": "thoughts.example"}, "PUBLIC_URL"),
        ({"hsts_subdomains": True}, "HSTS_SECONDS"),
        ({"smtp_host": "mail.example"}, "MAIL_FROM"),
        ({"mail_from": "nobody"}, "MAIL_FROM"),
        ({"smtp_username": "me"}, "SMTP_PASSWORD"),
        ({"smtp_username": "me", "smtp_password": "x", "smtp_security": "none"}, "SMTP_SECURITY"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(values: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load_settings(_env_file=None, **ADDRESSES, **values)
