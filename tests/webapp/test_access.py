"""Access to thoughts, with and without TRUST_USER_ID."""

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database


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
        """Another visitor's browser."""
        return app.test_client()

    @pytest.fixture
    def thought(self, client: FlaskClient) -> dict[str, Any]:
        return client.post("/thoughts", json={"text": "mine"}).json or {}

    def test_an_author_can_read_their_own_thought(self, client: FlaskClient, thought: dict[str, Any]) -> None:
        assert client.get(thought["links"]["self"]).status_code == 200
        assert client.get(thought["links"]["page"]).status_code == 200
        assert client.get(f"{thought['links']['page']}?fragment=1").status_code == 200
        assert client.head(thought["links"]["stream"]).status_code == 200
        for query in ("", f"?user_id={thought['user_id']}"):
            listed = client.get(f"/thoughts{query}").json or {}
            assert [item["id"] for item in listed["items"]] == [thought["id"]]
        assert thought["id"] in client.get("/").text

    def test_another_users_thought_and_a_missing_one_get_the_same_response(
        self, stranger: FlaskClient, thought: dict[str, Any]
    ) -> None:
        stranger.get("/")
        for prefix in ("/thoughts", "/t"):
            of_another_user, missing = stranger.get(f"{prefix}/{thought['id']}"), stranger.get(f"{prefix}/{uuid4()}")
            assert (of_another_user.status_code, missing.status_code) == (404, 404)
            assert of_another_user.data == missing.data
        assert stranger.get(f"/t/{thought['id']}?fragment=1").status_code == 404

    def test_another_users_list_and_stream_are_forbidden(self, stranger: FlaskClient, thought: dict[str, Any]) -> None:
        for path in (f"/thoughts?user_id={thought['user_id']}", thought["links"]["stream"]):
            response = stranger.get(path)
            assert (response.status_code, response.mimetype) == (403, "application/problem+json")
        assert thought["id"] not in stranger.get("/").text

    def test_of_a_parameter_that_is_sent_twice_the_first_one_is_checked_and_used(
        self, client: FlaskClient, stranger: FlaskClient, thought: dict[str, Any]
    ) -> None:
        own, other = thought["user_id"], str(uuid4())
        assert (client.get(f"/thoughts?user_id={own}&user_id={other}").json or {})["items"] != []
        assert client.get(f"/thoughts?user_id={other}&user_id={own}").status_code == 403
        assert stranger.get(f"/thoughts?user_id={own}&user_id={other}").status_code == 403

    def test_a_visitor_cannot_write_as_another_user(self, stranger: FlaskClient, thought: dict[str, Any]) -> None:
        for body in ({"text": "x", "user_id": thought["user_id"]}, {"text": "x", "user_id": str(uuid4())}):
            assert stranger.post("/thoughts", json=body).status_code == 403

    def test_an_author_may_send_their_own_user_id(self, client: FlaskClient, thought: dict[str, Any]) -> None:
        body = {"text": "x", "user_id": thought["user_id"]}
        assert client.post("/thoughts", json=body).status_code == 201


class TestWithTrustUserId:
    def test_every_client_reads_and_writes_for_every_user(
        self, client: FlaskClient, app: Flask, database: Database
    ) -> None:
        user, stranger = str(uuid4()), app.test_client()
        thought = client.post("/thoughts", json={"text": "x", "user_id": user}).json or {}
        for link in ("self", "page"):
            assert stranger.get(thought["links"][link]).status_code == 200
        assert stranger.head(thought["links"]["stream"]).status_code == 200
        assert len((stranger.get(f"/thoughts?user_id={user}").json or {})["items"]) == 1
        [row] = database.rows(text("SELECT id, is_anonymous FROM users"))
        assert (str(row.id), row.is_anonymous) == (user, True)

    def test_a_thought_without_a_user_id_belongs_to_the_user_of_the_cookie(self, client: FlaskClient) -> None:
        thought = client.post("/thoughts", json={"text": "x"}).json or {}
        listed = client.get("/thoughts").json or {}
        assert [item["id"] for item in listed["items"]] == [thought["id"]]
