"""GET and PUT /profile: versions, refusals, and who may read and write whose."""

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.webapp.conftest import CountRows
from tests.webapp.profile.test_model import FULL

PROBLEM = "application/problem+json"


def put(client: FlaskClient, body: Any, query: str = "", **headers: str) -> Any:
    return client.put(f"/profile{query}", json=body, headers=headers)


def test_a_visitor_has_an_empty_profile_and_reading_it_writes_nothing(
    client: FlaskClient, count_rows: CountRows
) -> None:
    response = client.get("/profile")
    assert (response.status_code, response.mimetype, response.headers["ETag"]) == (200, "application/json", '"0"')
    body = response.json or {}
    assert (body["user_id"], body["version"], body["goals"], body["time_zone"]) == (None, 0, [], "")
    assert body["recent_patterns"] == {"energy_peaks": [], "habits": []}
    assert count_rows("users") == 0


def test_what_was_put_is_read_back_with_its_version(client: FlaskClient) -> None:
    stored = put(client, FULL)
    assert (stored.status_code, stored.headers["ETag"]) == (200, '"1"')
    assert client.get("/profile").json == stored.json
    assert stored.json == {"user_id": stored.json["user_id"], "version": 1} | FULL


def test_the_answer_of_get_can_be_changed_and_put_back(client: FlaskClient) -> None:
    put(client, FULL)
    read = client.get("/profile").json or {}
    changed = put(client, read | {"goals": []})
    assert (changed.status_code, changed.json) == (200, read | {"goals": [], "version": 2})


def test_fields_that_a_put_leaves_out_become_empty(client: FlaskClient) -> None:
    put(client, FULL)
    assert (put(client, {"goals": ["x"]}).json or {})["constraints"] == []


def test_an_equal_profile_gets_no_new_version(client: FlaskClient) -> None:
    for _ in range(2):
        assert put(client, FULL).json["version"] == 1


def test_a_put_of_an_outdated_version_changes_nothing(client: FlaskClient) -> None:
    for goal in ("a", "b"):
        put(client, {"goals": [goal]})
    in_body = put(client, {"goals": ["c"], "version": 1})
    in_header = put(client, {"goals": ["c"]}, **{"If-Match": '"1"'})
    assert [response.status_code for response in (in_body, in_header)] == [409, 412]
    for response in (in_body, in_header):
        assert response.mimetype == PROBLEM
        assert "its version is 2, not 1" in response.json["detail"]
    assert (client.get("/profile").json or {})["goals"] == ["b"]


def test_a_put_of_the_present_version_is_stored(client: FlaskClient) -> None:
    put(client, {"goals": ["a"]})
    assert put(client, {"goals": ["b"], "version": 1}).json["version"] == 2
    assert put(client, {"goals": ["c"]}, **{"If-Match": '"2"'}).json["version"] == 3
    assert put(client, {"goals": ["d"]}, **{"If-Match": "*"}).json["version"] == 4


@pytest.mark.parametrize(
    ("body", "header", "status"),
    [
        ({}, "x", 412),
        ({}, "", 412),
        ({}, 'W/"0"', 412),
        ({"version": 1}, '"0"', 422),
        ({"version": -1}, None, 422),
        ({"version": True}, None, 422),
    ],
)
def test_an_unusable_version_is_refused(
    client: FlaskClient, count_rows: CountRows, body: dict[str, Any], header: str | None, status: int
) -> None:
    headers = {} if header is None else {"If-Match": header}
    assert put(client, body | {"goals": ["x"]}, **headers).status_code == status
    assert count_rows("users") == 0


def test_every_wrong_field_is_named(client: FlaskClient, count_rows: CountRows) -> None:
    response = put(client, {"goals": ["x" * 201], "time_zone": "Mars/Base", "hobby": 1})
    assert (response.status_code, response.mimetype) == (422, PROBLEM)
    detail = response.json["detail"]
    assert "goals: entry 1 has 201 characters; shorten it to 200 or fewer." in detail
    assert "time_zone: this is not a known time zone" in detail
    assert "hobby: this field is unknown." in detail
    assert count_rows("users") == 0


@pytest.mark.parametrize(
    ("data", "mimetype", "status"),
    [(b"{", "application/json", 400), (b"[]", "application/json", 422), (b"goals=x", "text/plain", 415)],
)
def test_a_body_that_is_no_profile_is_refused(client: FlaskClient, data: bytes, mimetype: str, status: int) -> None:
    response = client.put("/profile", data=data, content_type=mimetype)
    assert (response.status_code, response.mimetype) == (status, PROBLEM)


def test_with_trust_user_id_every_client_reads_and_writes_for_every_user(client: FlaskClient, app: Flask) -> None:
    users = [str(uuid4()), str(uuid4())]
    assert put(client, {"goals": ["in the body"], "user_id": users[0]}).json["user_id"] == users[0]
    assert put(client, {"goals": ["in the query"]}, f"?user_id={users[1]}").json["user_id"] == users[1]
    read = [app.test_client().get(f"/profile?user_id={user}").json or {} for user in users]
    assert [profile["goals"] for profile in read] == [["in the body"], ["in the query"]]
    assert (client.get("/profile").json or {})["goals"] == [], "the cookie's own profile is another one"


def test_a_put_for_two_users_is_refused(client: FlaskClient) -> None:
    assert put(client, {"user_id": str(uuid4())}, f"?user_id={uuid4()}").status_code == 422
    assert put(client, {}, "?user_id=x").status_code == 422
    assert client.get("/profile?user_id=x").status_code == 422


class TestWithoutTrustUserId:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"trust_user_id": False}

    @pytest.fixture
    def client(self, client: FlaskClient) -> FlaskClient:
        """A browser that has opened the page, so that it has a cookie."""
        client.get("/")
        return client

    @pytest.fixture
    def stranger(self, app: Flask) -> FlaskClient:
        """Another visitor's browser, which has a profile of its own."""
        stranger = app.test_client()
        stranger.get("/")
        put(stranger, {"goals": ["the stranger's"]})
        return stranger

    def test_another_users_profile_cannot_be_read(self, client: FlaskClient, stranger: FlaskClient) -> None:
        user = put(client, {"goals": ["a secret"]}).json["user_id"]
        for reader in (stranger, stranger.application.test_client()):
            response = reader.get(f"/profile?user_id={user}")
            assert (response.status_code, response.mimetype, "a secret" in response.text) == (403, PROBLEM, False)
        assert "a secret" not in stranger.get("/profile").text
        assert "a secret" not in stranger.get(f"/profile/edit?user_id={user}").text

    def test_another_users_profile_cannot_be_written(self, client: FlaskClient, stranger: FlaskClient) -> None:
        user = put(client, {"goals": ["mine"]}).json["user_id"]
        assert put(stranger, {"goals": ["theirs"], "user_id": user}).status_code == 403
        assert put(stranger, {"goals": ["theirs"]}, f"?user_id={user}").status_code == 403
        stranger.post("/profile/edit", data={"goals": "theirs", "version": "1", "user_id": user})
        assert (client.get("/profile").json or {})["goals"] == ["mine"]

    def test_a_profile_cannot_be_put_for_a_user_without_a_row(self, client: FlaskClient, count_rows: CountRows) -> None:
        assert put(client, {"goals": ["x"], "user_id": str(uuid4())}).status_code == 403
        assert count_rows("users") == 0

    def test_a_forged_cookie_is_another_visitor(self, client: FlaskClient, app: Flask) -> None:
        put(client, {"goals": ["a secret"]})
        cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
        assert cookie is not None
        forger = app.test_client()
        forger.set_cookie(cookie.key, f"{cookie.value[:-2]}xx")
        assert (forger.get("/profile").json or {})["goals"] == []

    def test_a_visitor_may_name_themselves(self, client: FlaskClient) -> None:
        user = put(client, FULL).json["user_id"]
        assert put(client, {"user_id": user}).status_code == 200
        assert client.get(f"/profile?user_id={user}").status_code == 200
