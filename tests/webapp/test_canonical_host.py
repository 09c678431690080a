"""A new visitor who opens the page under another name of this machine is led to the one whose cookie they will keep."""

import http.client
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.webapp.web_processes import WebProcess
from webapp.canonical_host import canonical_netloc

BOUND = "http://127.0.0.1:8000"
"""The address at which the application listens, from which the test client makes SERVER_NAME."""

OTHER_NAMES = ["localhost:8000", "LOCALHOST:8000", "[::1]:8000"]


@pytest.fixture(params=[False, True], ids=["own cookies", "trusted ids"])
def overrides(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"trust_user_id": request.param}


def get(client: FlaskClient, path: str, host: str, **headers: str) -> Any:
    return client.get(path, base_url=BOUND, headers={"Host": host, **headers})


@pytest.mark.parametrize("host", OTHER_NAMES)
def test_a_new_visitor_is_redirected_with_path_and_query(client: FlaskClient, host: str) -> None:
    for path in ("/", "/search?q=a%20b&x=%26", "/profile/edit", "/models"):
        response = get(client, path, host)
        assert (response.status_code, response.headers["Location"]) == (302, f"{BOUND}{path}")
        assert "no-store" in response.headers["Cache-Control"]


def test_what_was_written_at_one_name_is_there_when_the_page_is_opened_at_another(client: FlaskClient) -> None:
    client.get("/", base_url=BOUND)
    thought = client.post("/thoughts", data={"text": "mine"}, base_url=BOUND).headers["Location"]
    for path in ("/", thought):
        response = client.get(path, base_url="http://localhost:8000", environ_overrides={"SERVER_NAME": "127.0.0.1"})
        assert response.status_code == 302
        there = urlsplit(response.headers["Location"])
        assert "mine" in client.get(there.path, base_url=f"{there.scheme}://{there.netloc}").text


def test_a_visitor_who_has_a_cookie_at_the_other_name_stays_there(app: Flask) -> None:
    browser = app.test_client()
    local = {"base_url": "http://localhost:8000", "environ_overrides": {"SERVER_NAME": "127.0.0.1"}}
    responses = [browser.post("/thoughts", data={"text": "mine"}, **local) for _ in range(2)]
    assert responses[-1].status_code == 303
    for path in (responses[-1].headers["Location"], "/"):
        page = browser.get(path, **local)
        assert (page.status_code, "mine" in page.text) == (200, True)


@pytest.mark.parametrize("path", ["/?fragment=1", "/thoughts", "/profile", "/health", "/static/live.js"])
def test_what_programs_and_the_pages_script_request_is_not_redirected(client: FlaskClient, path: str) -> None:
    with get(client, path, "localhost:8000") as response:
        assert response.status_code != 302


PROXIES = [
    {"X-Forwarded-For": "203.0.113.7"},
    {"X-Forwarded-Host": "thoughts.example"},
    {"X-Forwarded-Proto": "https"},
    {"Forwarded": "for=203.0.113.7"},
    {"Via": "1.1 proxy"},
]


@pytest.mark.parametrize("headers", PROXIES, ids=lambda headers: next(iter(headers)))
def test_a_request_of_a_proxy_which_puts_its_own_name_into_host_is_not_redirected(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    assert get(client, "/", "localhost:8000", **headers).status_code == 200
    plain = client.get(
        "/", base_url=BOUND, headers={"Host": "localhost:8000"}, environ_overrides={"SERVER_PROTOCOL": "HTTP/1.0"}
    )
    assert plain.status_code == 200


HOSTILE = [
    "evil.example", "evil.example:8000", "localhost@evil.example", "localhost:80@evil.example",
    "localhost.evil.example", "127.0.0.1.evil.example", "evil.example#localhost", "evil.example/localhost",
    "localhost:evil", "localhost:99999", "[::1", "", "localhost\\@evil.example", "thoughts.localhost",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTILE)
def test_no_other_host_is_redirected(client: FlaskClient, host: str) -> None:
    assert get(client, "/", host).status_code in {200, 400, 403}
    assert canonical_netloc(host, "127.0.0.1", None) is None


@pytest.mark.parametrize("host", ["evil.example@localhost:8000", "localhost:8000", "localhost.:8000", "localhost"])
def test_the_target_holds_nothing_of_the_request_but_the_port(host: str) -> None:
    assert canonical_netloc(host, "127.0.0.1", None) in {"127.0.0.1:8000", "127.0.0.1"}


@pytest.mark.parametrize(
    ("bound", "configured", "host", "netloc"),
    [
        ("127.0.0.1", None, "localhost:8000", "127.0.0.1:8000"),
        ("127.0.0.1", None, "127.0.0.1:8000", None),
        ("::1", None, "localhost:8000", "[::1]:8000"),
        ("::1", None, "[::1]:8000", None),
        ("0.0.0.0", None, "localhost:8000", None),
        ("0.0.0.0", "127.0.0.1", "localhost:9000", "127.0.0.1:9000"),
        ("127.0.0.1", "localhost", "127.0.0.1:8000", "localhost:8000"),
        ("127.0.0.1", "localhost", "192.168.1.7:8000", None),
        ("", None, "localhost", None),
    ],
)  # fmt: skip
def test_the_right_name_is_the_configured_one_or_the_address_that_the_web_listens_on(
    bound: str, configured: str | None, host: str, netloc: str | None
) -> None:
    assert canonical_netloc(host, bound, configured) == netloc


def location_of(web: WebProcess, path: str, host: str) -> str | None:
    """Return the target of the redirect with which a real web answers, or None when it does not redirect."""
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=10)
    connection.request("GET", path, headers={"Host": f"{host}:{web.port}"})
    location = connection.getresponse().headers["Location"]
    connection.close()
    return location


def test_a_real_web_knows_its_address_and_redirects_every_other_name_of_this_machine(web: WebProcess) -> None:
    assert location_of(web, "/profile/edit?a=b", "localhost") == f"{web.url}/profile/edit?a=b"
    assert location_of(web, "/", "[::1]") == f"{web.url}/"
    assert location_of(web, "/", "127.0.0.1") is None
    assert location_of(web, "/", "evil.example") is None
