"""Deleting a thought: its text and results are erased, and its row stays."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from bridge.consumer.lane import Lane
from contracts.accept import accept
from contracts.database import Database
from contracts.events import thought_created
from contracts.progress import wakeup_channel
from contracts.settings import Settings
from tasks.step_store import StepStore
from tests.bridge.ingesting import USER_KEY, add_to_lane, dead_letters_from, make_ingestion
from tests.bridge.thoughts import decide_once, record_of
from tests.eventually import eventually
from tests.webapp.conftest import history_length
from tests.webapp.fake_worker import FakeWorker

HEX_BYTES = re.compile(r"\\\\x([0-9a-f]*)")
"""Bytes in PostgreSQL's JSON, as Python shows them."""


@pytest.fixture
def thought(client: FlaskClient, database: Database) -> dict[str, Any]:
    """An accepted thought whose outbox row was published."""
    response = client.post("/thoughts", json={"text": "words to be forgotten"})
    database.rows(text("DELETE FROM outbox"))
    return response.json or {}


def stored_data(database: Database) -> str:
    """Return the contents of all tables as text, with bytes decoded."""
    tables = ("thoughts", "agent_runs", "dead_letters", "outbox", "webhook_deliveries")
    contents = " ".join(str(database.rows(text(f"SELECT to_jsonb(t) FROM {table} t"))) for table in tables)
    return HEX_BYTES.sub(lambda match: bytes.fromhex(match[1]).decode(), contents)


def add_dead_letter(database: Database, thought: UUID) -> None:
    """Insert a dead letter that still waits in the outbox."""
    headers = """'{"reason": "permanent", "message": "words to be forgotten", "agent": "analysis"}'"""
    dead_letter = f"""INSERT INTO dead_letters (failure_id, thought_id, turn, reason, value, headers)
                VALUES (:failure, :thought, 1, 'permanent', 'words to be forgotten', {headers})"""
    outbox_row = f"""INSERT INTO outbox (topic, failure_id, value, headers)
                  VALUES ('letters', :failure, 'words to be forgotten', {headers})"""
    database.rows(text(dead_letter), failure=f"{thought}:1", thought=thought)
    database.rows(text(outbox_row), failure=f"{thought}:1")


def add_delivery(database: Database, user: UUID, thought: UUID, message: str = "words to be forgotten") -> None:
    """Insert a webhook for which the failure of the thought waits; its message quotes the text."""
    statement = """
        WITH w AS (INSERT INTO webhooks (id, user_id, url, secret, events)
                   VALUES (:id, :user, 'https://a.example', '', ARRAY['thought_failed']) RETURNING id)
        INSERT INTO webhook_deliveries (webhook_id, event_type, event)
        SELECT id, 'thought_failed', jsonb_build_object('thought_id', CAST(:thought AS text), 'error_message',
                                                        CAST(:message AS text)) FROM w"""
    database.rows(text(statement), id=uuid4(), user=user, thought=str(thought), message=message)


def test_a_deleted_thought_is_shown_nowhere(client: FlaskClient, thought: dict[str, Any], worker: FakeWorker) -> None:
    worker.complete(UUID(thought["id"]))
    assert client.delete(thought["links"]["self"]).status_code == 204
    for link in ("self", "page"):
        assert client.get(thought["links"][link]).status_code == 404
    assert (client.get("/thoughts").json or {})["items"] == []
    assert "words to be forgotten" not in client.get("/").text


def test_the_text_and_the_results_are_erased_from_all_tables(
    client: FlaskClient, thought: dict[str, Any], worker: FakeWorker, database: Database
) -> None:
    worker.dispatch(UUID(thought["id"]))
    worker.run_step(UUID(thought["id"]), 1, {"said": "words to be forgotten"})
    add_dead_letter(database, UUID(thought["id"]))
    add_delivery(database, UUID(thought["user_id"]), UUID(thought["id"]))
    add_delivery(database, UUID(thought["user_id"]), uuid4(), "about another thought")
    client.delete(thought["links"]["self"])
    contents = stored_data(database)
    assert "about another thought" in contents
    assert "forgotten" not in contents
    assert thought["id"] in contents
    assert "'state': 'discarded'" in contents
    assert "'said'" not in contents


def test_the_text_of_a_record_that_was_dead_lettered_before_is_erased_too(
    client: FlaskClient, thought: dict[str, Any], database: Database
) -> None:
    statement = """INSERT INTO dead_letters (failure_id, reason, value, headers)
                   VALUES ('a record', 'unknown-user', 'words to be forgotten',
                           jsonb_build_object('user_id', CAST(:user AS text), 'thought_id', CAST(:thought AS text)))"""
    database.rows(text(statement), user=thought["user_id"], thought=thought["id"])
    database.rows(text(statement.replace("'a record'", "'another'")), user=thought["user_id"], thought=str(uuid4()))
    client.delete(thought["links"]["self"])
    rows = database.rows(text("SELECT failure_id, convert_from(value, 'UTF8') AS value FROM dead_letters ORDER BY 1"))
    assert [tuple(row) for row in rows] == [("a record", ""), ("another", "words to be forgotten")]


@pytest.mark.parametrize(
    ("key", "headers"),
    [(None, []), (b"another's", []), (USER_KEY, [("turn", b"soon")]), (USER_KEY, [("x", b"1" * 1_000_000)])],
)
def test_the_text_of_an_event_that_the_bridge_dead_lettered_is_erased_too(
    client: FlaskClient,
    thought: dict[str, Any],
    database: Database,
    settings: Settings,
    key: bytes | None,
    headers: list[tuple[str, bytes]],
) -> None:
    event = thought_created(UUID(thought["user_id"]), UUID(thought["id"]), "words to be forgotten")
    lane = Lane(0, 20.0)
    add_to_lane(lane, 0, event.to_bytes(), headers, key=key)
    make_ingestion(database, settings).work(lane, 0.0)
    client.delete(thought["links"]["self"])
    (dead_letter,) = dead_letters_from(database, "work")
    (outbox_row,) = database.rows(text("SELECT value FROM outbox WHERE failure_id = :id"), id=dead_letter.failure_id)
    assert (dead_letter.state, bytes(dead_letter.value), bytes(outbox_row.value)) == ("discarded", b"", b"")


def test_deleting_again_changes_nothing(client: FlaskClient, thought: dict[str, Any], database: Database) -> None:
    client.delete(thought["links"]["self"])
    before = stored_data(database)
    assert client.delete(thought["links"]["self"]).status_code == 204
    assert stored_data(database) == before


def test_the_page_deletes_a_thought_without_javascript(client: FlaskClient, thought: dict[str, Any]) -> None:
    confirmation, action = f"/t/{thought['id']}/delete", f"/thoughts/{thought['id']}/delete"
    assert f'href="{confirmation}"' in client.get(thought["links"]["page"]).text
    assert f'action="{action}"' in client.get(confirmation).text
    response = client.post(action, data={})
    assert (response.status_code, response.headers["Location"]) == (303, "/")
    for path in (confirmation, thought["links"]["page"]):
        assert client.get(path).status_code == 404
    assert ["Your thought was deleted" in client.get("/").text for _ in range(2)] == [True, False]


def test_an_old_record_does_not_restore_a_deleted_thought(
    client: FlaskClient, thought: dict[str, Any], database: Database, settings: Settings
) -> None:
    user, thought_id = UUID(thought["user_id"]), UUID(thought["id"])
    record = record_of(database, thought_id)
    client.delete(thought["links"]["self"])
    erased_text, topic = "words to be forgotten", settings.kafka_topic
    event = thought_created(user, thought_id, erased_text).to_bytes()
    accepted = accept(
        database, thought_id=thought_id, user_id=user, text=erased_text, event=event, topic=topic, emit=True
    )
    assert (accepted.created, accepted.turn) == (False, record.turn)
    decision = decide_once(database, record)
    assert [verdict.kind for verdict in decision.verdicts] == ["done"]
    assert decision.head is None
    assert "forgotten" not in stored_data(database)


def test_a_deletion_fences_the_worker_and_the_next_thought_of_the_line_begins(
    client: FlaskClient, thought: dict[str, Any], worker: FakeWorker, database: Database, settings: Settings
) -> None:
    thought_id = UUID(thought["id"])
    next_thought = client.post("/thoughts", json={"text": "the next"}).json or {}
    worker.dispatch(thought_id)
    worker.claim(thought_id)
    tokens = text("SELECT call_id, dispatch_id FROM thoughts WHERE id = :id")
    [before] = database.rows(tokens, id=thought_id)
    client.delete(thought["links"]["self"])
    assert StepStore(database, settings).renew({before.call_id: thought_id}) == {}
    assert database.rows(tokens, id=thought_id)[0].dispatch_id > before.dispatch_id
    head = decide_once(database, record_of(database, UUID(next_thought["id"]))).head
    assert head is not None
    assert (str(head.thought_id), head.needs_dispatch) == (next_thought["id"], True)


def test_the_event_history_is_deleted_and_the_bridges_are_woken(
    client: FlaskClient, thought: dict[str, Any], redis_client: redis.Redis, settings: Settings
) -> None:
    user = UUID(thought["user_id"])
    eventually(lambda: history_length(redis_client, settings, user) == 1)
    with redis_client.pubsub() as subscription:
        subscription.subscribe(wakeup_channel(settings.redis_prefix))
        client.delete(thought["links"]["self"])
        message = eventually(lambda: subscription.get_message(ignore_subscribe_messages=True)) or {}
    assert message["data"] == str(user).encode()
    assert history_length(redis_client, settings, user) == 0


def test_the_idempotency_key_of_a_deleted_thought_stores_nothing(client: FlaskClient, database: Database) -> None:
    headers = {"Idempotency-Key": "once"}
    first = client.post("/thoughts", json={"text": "words to be forgotten"}, headers=headers).json or {}
    database.rows(text("DELETE FROM outbox"))
    client.delete(first["links"]["self"])
    repeated = client.post("/thoughts", json={"text": "words to be forgotten"}, headers=headers)
    assert repeated.status_code == 410
    assert "forgotten" not in stored_data(database)


def test_a_page_of_another_site_cannot_delete_a_thought(client: FlaskClient, thought: dict[str, Any]) -> None:
    origin = {"Origin": "https://elsewhere.example"}
    assert client.delete(thought["links"]["self"], headers=origin).status_code == 403
    assert client.post(f"/thoughts/{thought['id']}/delete", data={}, headers=origin).status_code == 403
    assert client.get(thought["links"]["self"]).status_code == 200


class TestWithoutTrustUserId:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"trust_user_id": False}

    @pytest.fixture
    def client(self, client: FlaskClient) -> FlaskClient:
        """A browser that has opened the page, so that it has a cookie."""
        client.get("/")
        return client

    def test_another_user_cannot_delete_a_thought(
        self, client: FlaskClient, thought: dict[str, Any], app: Flask
    ) -> None:
        stranger = app.test_client()
        stranger.get("/")
        of_another_user, missing = stranger.delete(thought["links"]["self"]), stranger.delete(f"/thoughts/{uuid4()}")
        assert (of_another_user.status_code, missing.status_code) == (404, 404)
        assert of_another_user.data == missing.data
        assert stranger.post(f"/thoughts/{thought['id']}/delete", data={}).status_code == 404
        assert client.get(thought["links"]["self"]).status_code == 200

    def test_the_author_can_delete_their_thought(self, client: FlaskClient, thought: dict[str, Any]) -> None:
        assert client.delete(thought["links"]["self"]).status_code == 204
        assert client.get(thought["links"]["self"]).status_code == 404
