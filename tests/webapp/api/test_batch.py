"""POST /thoughts:batch: each thought is accepted on its own, in the author's order."""

import json
from typing import Any
from uuid import UUID, uuid4

from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.conftest import CountRows, MakeApp
from tests.webapp.http_client import get_thought

NO_DATABASE = "postgresql+psycopg2://thoughts@127.0.0.1:9/thoughts"


def post(client: FlaskClient, thoughts: list[dict[str, Any]], user: UUID) -> list[dict[str, Any]]:
    response = client.post("/thoughts:batch", json={"thoughts": thoughts, "user_id": str(user)})
    assert (response.status_code, response.mimetype) == (200, "application/json"), response.text
    return list((response.json or {})["results"])


def test_the_thoughts_of_a_batch_get_turns_in_its_order(client: FlaskClient, database: Database) -> None:
    user = uuid4()
    results = post(client, [{"text": str(number)} for number in range(100)], user)
    assert [result["status"] for result in results] == [201] * 100
    rows = database.rows(text("SELECT id, text FROM thoughts WHERE user_id = :user ORDER BY turn"), user=user)
    assert [row.text for row in rows] == [str(number) for number in range(100)]
    assert [str(row.id) for row in rows] == [result["thought"]["id"] for result in results]


def test_a_refused_thought_has_its_own_problem_and_does_not_stop_the_others(
    client: FlaskClient, count_rows: CountRows
) -> None:
    user = uuid4()
    deleted = post(client, [{"text": "a", "idempotency_key": "deleted"}], user)[0]["thought"]["id"]
    client.delete(f"/thoughts/{deleted}")
    results = post(
        client,
        [
            {"text": "x" * 10_001},
            {"text": "first", "idempotency_key": "k"},
            {"text": "other", "idempotency_key": "k"},
            {"text": "a", "idempotency_key": "deleted"},
            {"text": "a\x07b", "idempotency_key": "not\nprintable"},
            {"text": "last"},
        ],
        user,
    )
    assert [result["status"] for result in results] == [422, 201, 422, 410, 400, 201]
    types = [result["problem"]["type"] for result in results if "problem" in result]
    assert types == [
        "/problems/invalid-value", "/problems/key-reused", "/problems/thought-deleted",
        "/problems/invalid-idempotency-key",
    ]  # fmt: skip
    assert all(("thought" in result) == (result["status"] == 201) for result in results)
    assert count_rows("thoughts") == 3


def test_a_batch_that_is_repeated_with_its_keys_gets_the_same_thoughts(
    client: FlaskClient, count_rows: CountRows
) -> None:
    user = uuid4()
    thoughts = [{"text": str(number), "idempotency_key": f"key-{number}"} for number in range(5)]
    assert post(client, thoughts, user) == post(client, thoughts, user)
    assert count_rows("thoughts") == 5
    single = client.post("/thoughts", json={"text": "2", "user_id": str(user)}, headers={"Idempotency-Key": "key-2"})
    assert (single.json or {})["id"] == post(client, thoughts, user)[2]["thought"]["id"]


def test_a_malformed_batch_is_refused_as_a_whole(client: FlaskClient, count_rows: CountRows) -> None:
    good = {"text": "good"}
    for body, status in (
        ({"thoughts": []}, 422),
        ({"thoughts": [good] * 101}, 422),
        ({"thoughts": [good, {"text": 5}]}, 422),
        ({"thoughts": [good, {"text": "x", "user_id": str(uuid4())}]}, 422),
        ({"thoughts": [good], "more": 1}, 422),
        ({}, 422),
    ):
        response = client.post("/thoughts:batch", json=body)
        assert (response.status_code, response.mimetype) == (status, "application/problem+json"), body
    assert client.post("/thoughts:batch", data=json.dumps({"thoughts": [good]})).status_code == 415
    assert count_rows("thoughts") == 0


def test_after_a_thought_that_could_not_be_stored_no_later_one_is_tried(make_app: MakeApp) -> None:
    client = make_app(database_url=NO_DATABASE).test_client()
    results = post(client, [{"text": str(number)} for number in range(3)], uuid4())
    assert [result["problem"]["type"] for result in results] == [
        "/problems/database-unavailable", "/problems/not-tried", "/problems/not-tried",
    ]  # fmt: skip
    assert {result["status"] for result in results} == {503}


def test_a_batch_for_another_user_is_refused_and_a_client_without_a_cookie_as_well(make_app: MakeApp) -> None:
    client = make_app(trust_user_id=False).test_client()
    body = {"thoughts": [{"text": "x"}]}
    assert client.post("/thoughts:batch", json=body).status_code == 403
    assert client.post("/thoughts:batch", json=body | {"user_id": str(uuid4())}).status_code == 403
    results = (client.post("/thoughts:batch", json=body).json or {})["results"]
    assert get_thought(client, results[0]["thought"]["id"])["text"] == "x"
