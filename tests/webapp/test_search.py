"""The search by meaning, as JSON and as a page: the user's own thoughts, the closest first."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from agents.embedding.embedder import Embedder, EmbeddingError
from contracts.database import Database
from tests.webapp.conftest import MakeApp
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import submit
from tests.webapp.remembering import embed_thought, write_analysed
from webapp import cursors, search
from webapp.memory import SEARCH
from webapp.queries import PAGE_BYTES
from webapp.search_budget import PER_USER_BURST, PER_USER_SECONDS

BILL = "The hospital sent mum a bill that she cannot pay"
SAILING = "I want to learn to sail"
QUERY = "a debt for a medical treatment"
EMOJI = "\U0001f600" * 9_000


@pytest.fixture
def written(client: FlaskClient, database: Database, worker: FakeWorker) -> dict[str, UUID]:
    """Thoughts of the client's user."""
    return {thought: write_analysed(client, database, worker, thought) for thought in (SAILING, BILL)}


def found(client: FlaskClient, query: str, **parameters: Any) -> list[dict[str, Any]]:
    response = client.get("/thoughts", query_string={"similar_to": query} | parameters)
    assert response.status_code == 200, response.text
    return (response.json or {})["items"]  # type: ignore[no-any-return]


def problem(client: FlaskClient, **parameters: Any) -> tuple[int, str]:
    response = client.get("/thoughts", query_string=parameters)
    assert response.mimetype == "application/problem+json"
    return response.status_code, (response.json or {})["detail"]


def test_the_closest_thoughts_come_first_with_their_similarity(client: FlaskClient, written: dict[str, UUID]) -> None:
    items = found(client, QUERY)
    assert [item["id"] for item in items] == [str(written[BILL]), str(written[SAILING])]
    assert 1 >= items[0]["similarity"] > items[1]["similarity"] > 0
    assert (items[0]["text"], items[0]["status"]) == (BILL, "completed")
    assert [item["id"] for item in found(client, "sailing lessons", limit=1)] == [str(written[SAILING])]


def test_only_the_users_own_thoughts_are_found(
    app: Flask, client: FlaskClient, database: Database, worker: FakeWorker, written: dict[str, UUID]
) -> None:
    stranger = app.test_client()
    secret = write_analysed(stranger, database, worker, QUERY)
    assert str(secret) not in {item["id"] for item in found(client, QUERY)}
    assert [item["id"] for item in found(stranger, QUERY)] == [str(secret)]
    assert QUERY not in client.get("/search", query_string={"q": "medical"}).text


def test_a_vector_that_names_another_user_finds_nothing(
    app: Flask, client: FlaskClient, database: Database, worker: FakeWorker, written: dict[str, UUID]
) -> None:
    """No statement writes such a row; if one existed, the thought's own row decides."""
    secret = write_analysed(app.test_client(), database, worker, "a secret")
    me = database.rows(text("SELECT user_id FROM thoughts WHERE id = :id"), id=written[BILL])[0].user_id
    database.rows(text("UPDATE thought_vectors SET user_id = :me WHERE thought_id = :id"), me=me, id=secret)
    assert str(secret) not in {item["id"] for item in found(client, "a secret")}


def test_deleted_thoughts_and_vectors_of_other_models_are_not_found(
    client: FlaskClient, database: Database, written: dict[str, UUID]
) -> None:
    client.delete(f"/thoughts/{written[BILL]}")
    assert [item["id"] for item in found(client, QUERY)] == [str(written[SAILING])]
    database.rows(text("UPDATE thought_vectors SET model = 'a former model'"))
    assert found(client, QUERY) == []


def test_a_visitor_without_thoughts_finds_nothing(client: FlaskClient) -> None:
    assert found(client, QUERY) == []


def test_an_open_thought_is_found_once_it_has_a_vector(
    client: FlaskClient, database: Database, written: dict[str, UUID]
) -> None:
    thought = submit(client, "Pay the surgeon")
    assert str(thought) not in {item["id"] for item in found(client, QUERY)}
    embed_thought(database, thought, "Pay the surgeon")
    assert str(thought) in {item["id"] for item in found(client, QUERY)}


@pytest.mark.parametrize("query", ["", "  ", "x" * 501])
def test_an_empty_or_too_long_text_is_rejected(client: FlaskClient, written: dict[str, UUID], query: str) -> None:
    assert problem(client, similar_to=query) == (422, "similar_to: send a text of 1 to 500 characters.")


def test_the_search_has_no_filter_and_only_cursors_of_its_own(client: FlaskClient) -> None:
    assert problem(client, similar_to=QUERY, status="completed") == (
        422, "status: cannot be combined with similar_to.",
    )  # fmt: skip
    list_cursor = cursors.encode((datetime.now(UTC), uuid4()))
    assert problem(client, similar_to=QUERY, cursor=list_cursor)[0] == 400


def test_an_answer_of_long_texts_is_shorter_than_its_limit_and_the_next_ones_have_the_rest(
    client: FlaskClient, database: Database
) -> None:
    user = uuid4()
    texts = [f"{number} {EMOJI}" for number in range(60)]
    ids = {str(submit(client, written, user)): written for written in texts}
    for thought, written in ids.items():
        embed_thought(database, UUID(thought), written[:4])
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        response = client.get(
            "/thoughts", query_string={"similar_to": "7", "user_id": user, "limit": 100, "cursor": cursor}
        )
        assert len(response.data) < 1.2 * PAGE_BYTES
        page = response.json or {}
        items, cursor = items + page["items"], page["next"]
    assert sorted(item["id"] for item in items) == sorted(ids), "each of them once"
    assert [item["similarity"] for item in items] == sorted((item["similarity"] for item in items), reverse=True)


def test_with_memory_false_there_is_no_search(make_app: MakeApp, database: Database, worker: FakeWorker) -> None:
    client = make_app(memory=False).test_client()
    thought = write_analysed(client, database, worker, BILL)
    status, detail = problem(client, similar_to=QUERY)
    assert (status, "memory is off" in detail) == (422, True)
    assert client.get("/search?q=bill").status_code == 422
    home = client.get("/").text
    assert f"/t/{thought}" in home
    assert 'role="search"' not in home


def test_without_the_package_there_is_no_search(
    client: FlaskClient, written: dict[str, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "embedder", lambda: None)
    assert problem(client, similar_to=QUERY)[0] == 422
    assert 'role="search"' not in client.get("/").text


def test_a_failing_model_is_unavailable_and_no_error_of_the_visitor(
    client: FlaskClient, written: dict[str, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(Embedder):
        def embed(self, text: str) -> Any:
            raise EmbeddingError("busy")

    monkeypatch.setattr(search, "embedder", Failing)
    assert problem(client, similar_to=QUERY)[0] == 503


def test_a_user_who_searches_in_a_loop_is_told_to_wait_and_others_still_find(
    app: Flask, client: FlaskClient, database: Database, worker: FakeWorker, written: dict[str, UUID]
) -> None:
    stranger = app.test_client()
    write_analysed(stranger, database, worker, SAILING)
    responses = [client.get("/thoughts", query_string={"similar_to": "x"}) for _ in range(PER_USER_BURST + 5)]
    refused = next(response for response in responses if response.status_code == 429)
    assert refused.mimetype == "application/problem+json"
    assert 1 <= int(refused.headers["Retry-After"]) <= PER_USER_SECONDS
    assert responses[0].status_code == 200
    assert found(stranger, SAILING)
    assert client.get("/thoughts").status_code == 200


def test_the_page_shows_the_closest_thoughts_first(client: FlaskClient, written: dict[str, UUID]) -> None:
    assert 'role="search"' in client.get("/").text
    page = client.get("/search", query_string={"q": QUERY}).text
    assert page.index(f"/t/{written[BILL]}") < page.index(f"/t/{written[SAILING]}")
    assert f'value="{QUERY}"' in page
    assert client.get("/search").status_code == 200


def test_a_query_of_the_page_is_shown_as_text(client: FlaskClient, written: dict[str, UUID]) -> None:
    page = client.get("/search", query_string={"q": "<script>\"'"}).text
    assert '<script>"' not in page
    assert "&lt;script&gt;" in page


class TestWithoutTrustUserId:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"trust_user_id": False}

    @pytest.fixture
    def client(self, client: FlaskClient) -> FlaskClient:
        """A browser that has opened the page, so that it has a cookie."""
        client.get("/")
        return client

    def test_another_users_thoughts_cannot_be_searched(
        self, app: Flask, client: FlaskClient, database: Database, worker: FakeWorker
    ) -> None:
        thought = write_analysed(client, database, worker, BILL)
        user = database.rows(text("SELECT user_id FROM thoughts WHERE id = :id"), id=thought)[0].user_id
        stranger = app.test_client()
        assert problem(stranger, similar_to=QUERY, user_id=str(user))[0] == 403
        assert problem(stranger, similar_to=QUERY, user_id=str(uuid4()))[0] == 403
        assert found(client, QUERY, user_id=str(user))[0]["id"] == str(thought)


def test_the_search_scans_the_vectors_of_one_user_only(app: Flask) -> None:
    engine = app.extensions["services"].database.engine
    parameters = {"user": uuid4(), "model": "m", "limit": 5, "embedding": str([1.0] * 384)}
    parameters |= {"after_distance": 0.5, "after_id": uuid4()}
    with engine.connect() as connection:
        plan = "\n".join(connection.execute(text(f"EXPLAIN {SEARCH.text}"), parameters).scalars())
    assert "Seq Scan" not in plan
    assert re.search(r"Index Cond: \(user_id = '", plan), (
        f"an index of either table, as small tables cost the same: {plan}"
    )
