"""Security headers, and the checks against requests of other sites."""

import re
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from tests.webapp.conftest import CountRows, MakeApp
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import submit


def test_every_response_has_the_security_headers(client: FlaskClient) -> None:
    for path in (
        "/",
        "/thoughts",
        "/profile",
        "/profile/edit",
        "/usage",
        "/health",
        "/metrics",
        "/static/live.js",
        "/nowhere",
        f"/thoughts/{uuid4()}",
    ):
        with client.get(path) as response:
            headers = response.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
    assert client.get("/thoughts").headers["Cache-Control"] == "private, no-store"


def test_the_pages_contain_nothing_that_the_policy_forbids(client: FlaskClient, worker: FakeWorker) -> None:
    thought = submit(client)
    worker.complete(thought)
    for path in ("/", f"/t/{thought}", f"/t/{thought}/delete", f"/t/{uuid4()}", "/profile/edit"):
        page = client.get(path).text
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", page)
        assert not re.search(r"<script(?![^>]*\ssrc=\"/static/)", page)
        for url in re.findall(r'(?:src|href)="([^"]+)"', page):
            assert url.startswith(("/", "#")), url


def test_a_request_from_another_site_is_rejected(client: FlaskClient, count_rows: CountRows) -> None:
    origins = ("https://evil.example", "null", "", "http://[bad", "http://localhost@[", "localhost")
    by_fetch_site = ({"Sec-Fetch-Site": site, "Origin": "http://localhost"} for site in ("cross-site", "same-site"))
    for headers in (*({"Origin": origin} for origin in origins), *by_fetch_site):
        assert client.post("/thoughts", data={"text": "x"}, headers=headers).status_code == 403
        assert client.post("/thoughts", json={"text": "x"}, headers=headers).status_code == 403
        assert client.put("/profile", json={"goals": ["x"]}, headers=headers).status_code == 403
        assert client.post("/profile/edit", data={"goals": "x", "version": "0"}, headers=headers).status_code == 403
    assert (count_rows("thoughts"), count_rows("users")) == (0, 0)


def test_the_sites_own_form_is_accepted_also_behind_a_proxy(client: FlaskClient) -> None:
    behind_a_proxy = {"Origin": "https://thoughts.example", "Sec-Fetch-Site": "same-origin"}
    for headers in ({"Origin": "http://localhost"}, behind_a_proxy):
        assert client.post("/thoughts", data={"text": "x"}, headers=headers).status_code == 303


def test_without_trust_user_id_every_host_name_is_served(make_app: MakeApp) -> None:
    client = make_app(trust_user_id=False).test_client()
    assert client.get("/", headers={"Host": "thoughts.example"}).status_code == 200


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:8000", "[::1]:8000"])
def test_with_trust_user_id_the_names_of_the_loopback_address_are_served(client: FlaskClient, name: str) -> None:
    assert client.get("/thoughts", headers={"Host": name}).status_code == 200


@pytest.mark.parametrize("name", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "[::2]", "@", ""])
def test_with_trust_user_id_other_host_names_are_forbidden(client: FlaskClient, name: str) -> None:
    user = uuid4()
    submit(client, "a secret", user)
    for path in (f"/thoughts?user_id={user}", f"/thoughts/stream/{user}", "/", "/nowhere"):
        response = client.get(path, headers={"Host": name, "Accept": "text/html"})
        assert (response.status_code, "TRUST_USER_ID" in response.text) == (403, True), path
        assert "a secret" not in response.text
