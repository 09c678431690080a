"""Whose thoughts are whose: the cookie's user, and TRUST_USER_ID."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.conftest import MakeApp


class TestWithoutOpenApi:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"trust_user_id": False}

    @pytest.fixture
    def stranger(self, app: Flask) -> FlaskClient:
        return app.test_client()

    @pytest.fixture
    def thought(self, client: FlaskClient) -> dict[str, Any]:
        return client.post("/thoughts", json={"text": "mine"}).json or {}

    def test_a_browser_gets_a_user_of_its_own_and_keeps_it(self, client: FlaskClient, stranger: FlaskClient) -> None:
        ids = [(client.post("/thoughts", json={"text": "x"}).json or {})["user_id"] for _ in range(2)]
        other = (stranger.post("/thoughts", json={"text": "x"}).json or {})["user_id"]
        assert ids[0] == ids[1] != other

    def test_the_user_is_anonymous_and_made_with_the_first_thought(
        self, client: FlaskClient, database: Database
    ) -> None:
        client.get("/")
        assert database.rows(text("SELECT id FROM users")) == []
        user = (client.post("/thoughts", json={"text": "x"}).json or {})["user_id"]
        [row] = database.rows(text("SELECT id, is_anonymous FROM users"))
        assert (row.id, row.is_anonymous) == (UUID(user), True)

    def test_the_cookie_is_signed_and_hidden_from_scripts_and_other_sites(self, client: FlaskClient) -> None:
        given = client.get("/").headers["Set-Cookie"]
        assert given.startswith("thoughts_visitor_")
        assert "HttpOnly" in given
        assert "SameSite=Lax" in given
        assert "Secure" in client.get("/", base_url="https://localhost").headers["Set-Cookie"]

    def test_a_page_that_is_published_answers_to_any_name(self, client: FlaskClient) -> None:
        assert client.get("/", headers={"Host": "thoughts.example"}).status_code == 200

    def test_installations_on_one_host_leave_each_others_cookies_alone(
        self, client: FlaskClient, make_app: MakeApp
    ) -> None:
        other = make_app(secret_key=SecretStr("another-key-for-tests-only")).test_client()
        names = [each.get("/").headers["Set-Cookie"].partition("=")[0] for each in (client, other)]
        assert names[0] != names[1]

    def test_a_forged_cookie_is_nobody(self, thought: dict[str, Any], stranger: FlaskClient, app: Flask) -> None:
        forger = Flask("forger")
        forger.secret_key = "another-key"
        serializer = app.session_interface.get_signing_serializer(forger)  # type: ignore[attr-defined]
        stranger.set_cookie(app.config["SESSION_COOKIE_NAME"], serializer.dumps({"user": thought["user_id"]}))
        assert stranger.get(thought["links"]["self"]).status_code == 404
        assert stranger.get(thought["links"]["stream"]).status_code == 403

    def test_ones_own_is_readable(self, client: FlaskClient, thought: dict[str, Any]) -> None:
        assert client.get(thought["links"]["self"]).status_code == 200
        assert client.get(thought["links"]["page"]).status_code == 200
        assert client.get(f"{thought['links']['page']}?fragment=1").status_code == 200
        assert client.head(thought["links"]["stream"]).status_code == 200
        for question in ("", f"?user_id={thought['user_id']}"):
            listed = client.get(f"/thoughts{question}").json or {}
            assert [item["id"] for item in listed["items"]] == [thought["id"]]
        assert thought["id"] in client.get("/").text

    def test_anothers_and_no_thought_answer_alike(self, stranger: FlaskClient, thought: dict[str, Any]) -> None:
        stranger.get("/")
        for place in ("/thoughts", "/t"):
            foreign, none = stranger.get(f"{place}/{thought['id']}"), stranger.get(f"{place}/{uuid4()}")
            assert (foreign.status_code, none.status_code) == (404, 404)
            assert foreign.data == none.data
        assert stranger.get(f"/t/{thought['id']}?fragment=1").status_code == 404

    def test_anothers_list_and_stream_are_forbidden(self, stranger: FlaskClient, thought: dict[str, Any]) -> None:
        for path in (f"/thoughts?user_id={thought['user_id']}", thought["links"]["stream"]):
            answer = stranger.get(path)
            assert (answer.status_code, answer.mimetype) == (403, "application/problem+json")
        assert thought["id"] not in stranger.get("/").text

    def test_nobody_writes_as_another(self, stranger: FlaskClient, thought: dict[str, Any]) -> None:
        for body in ({"text": "x", "user_id": thought["user_id"]}, {"text": "x", "user_id": str(uuid4())}):
            assert stranger.post("/thoughts", json=body).status_code == 403

    def test_ones_own_user_id_may_be_named(self, client: FlaskClient, thought: dict[str, Any]) -> None:
        body = {"text": "x", "user_id": thought["user_id"]}
        assert client.post("/thoughts", json=body).status_code == 201


class TestWithOpenApi:
    def test_everybody_reads_and_writes_as_anybody(self, client: FlaskClient, app: Flask, database: Database) -> None:
        user, stranger = str(uuid4()), app.test_client()
        thought = client.post("/thoughts", json={"text": "x", "user_id": user}).json or {}
        for link in ("self", "page"):
            assert stranger.get(thought["links"][link]).status_code == 200
        assert stranger.head(thought["links"]["stream"]).status_code == 200
        assert len((stranger.get(f"/thoughts?user_id={user}").json or {})["items"]) == 1
        [row] = database.rows(text("SELECT id, is_anonymous FROM users"))
        assert (str(row.id), row.is_anonymous) == (user, True)

    def test_without_a_user_id_a_thought_still_belongs_to_the_cookie(self, client: FlaskClient) -> None:
        thought = client.post("/thoughts", json={"text": "x"}).json or {}
        listed = client.get("/thoughts").json or {}
        assert [item["id"] for item in listed["items"]] == [thought["id"]]

    @pytest.mark.parametrize("name", ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:8000", "[::1]:8000"])
    def test_it_answers_to_this_machines_own_names(self, client: FlaskClient, name: str) -> None:
        assert client.get("/thoughts", headers={"Host": name}).status_code == 200

    @pytest.mark.parametrize("name", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "[::2]", "@", ""])
    def test_a_name_that_was_led_here_from_elsewhere_opens_nothing(self, client: FlaskClient, name: str) -> None:
        user = str(uuid4())
        client.post("/thoughts", json={"text": "a secret", "user_id": user})
        for path in (f"/thoughts?user_id={user}", f"/thoughts/stream/{user}", "/", "/nowhere"):
            answer = client.get(path, headers={"Host": name, "Accept": "text/html"})
            assert (answer.status_code, "TRUST_USER_ID" in answer.text) == (403, True), path
            assert "a secret" not in answer.text
