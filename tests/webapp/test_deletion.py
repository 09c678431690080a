"""A deleted thought: gone for everybody who looks, there for everybody who would bring it back."""

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
from tests.bridge.ingesting import OWN, an_intake, bring, letters
from tests.bridge.thoughts import a_doorbell, ask_once
from tests.eventually import eventually
from tests.webapp.conftest import stream_length
from tests.webapp.worker_by_hand import Work

BYTES = re.compile(r"\\\\x([0-9a-f]*)")
"""What PostgreSQL makes of bytes in JSON, as Python shows it."""


@pytest.fixture
def thought(client: FlaskClient, database: Database) -> dict[str, Any]:
    """Its event is published."""
    answer = client.post("/thoughts", json={"text": "words to be forgotten"})
    database.rows(text("DELETE FROM outbox"))
    return answer.json or {}


def traces(database: Database) -> str:
    """All that the tables say, as text; what they hold as bytes, too."""
    tables = ("thoughts", "agent_runs", "dead_letters", "outbox")
    told = " ".join(str(database.rows(text(f"SELECT to_jsonb(t) FROM {table} t"))) for table in tables)
    return BYTES.sub(lambda found: bytes.fromhex(found[1]).decode(), told)


def add_dead_letter(database: Database, thought: UUID) -> None:
    """One that waits for Kafka."""
    headers = """'{"reason": "permanent", "message": "words to be forgotten", "agent": "analysis"}'"""
    index = f"""INSERT INTO dead_letters (failure_id, thought_id, turn, reason, value, headers)
                VALUES (:failure, :thought, 1, 'permanent', 'words to be forgotten', {headers})"""
    waiting = f"""INSERT INTO outbox (topic, failure_id, value, headers)
                  VALUES ('letters', :failure, 'words to be forgotten', {headers})"""
    database.rows(text(index), failure=f"{thought}:1", thought=thought)
    database.rows(text(waiting), failure=f"{thought}:1")


def test_a_deleted_thought_is_nowhere_to_be_seen(client: FlaskClient, thought: dict[str, Any], work: Work) -> None:
    work.complete(UUID(thought["id"]))
    assert client.delete(thought["links"]["self"]).status_code == 204
    for link in ("self", "page"):
        assert client.get(thought["links"][link]).status_code == 404
    assert (client.get("/thoughts").json or {})["items"] == []
    assert "words to be forgotten" not in client.get("/").text


def test_its_words_and_results_leave_the_tables(
    client: FlaskClient, thought: dict[str, Any], work: Work, database: Database
) -> None:
    work.take(UUID(thought["id"]))
    work.step(UUID(thought["id"]), 1, {"said": "words to be forgotten"})
    add_dead_letter(database, UUID(thought["id"]))
    client.delete(thought["links"]["self"])
    left = traces(database)
    assert "forgotten" not in left
    assert thought["id"] in left
    assert "'state': 'discarded'" in left
    assert "'said'" not in left


def test_a_record_that_was_refused_before_loses_its_words_too(
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
    ("key", "headers"), [(None, []), (b"another's", []), (OWN, [("turn", b"soon")]), (OWN, [("x", b"1" * 1_000_000)])]
)
def test_so_does_an_event_of_it_that_a_bridge_refuses(
    client: FlaskClient,
    thought: dict[str, Any],
    database: Database,
    settings: Settings,
    key: bytes | None,
    headers: list[tuple[str, bytes]],
) -> None:
    event = thought_created(UUID(thought["user_id"]), UUID(thought["id"]), "words to be forgotten")
    lane = Lane(0, 20.0)
    bring(lane, 0, event.to_bytes(), headers, key=key)
    an_intake(database, settings).work(lane, 0.0)
    client.delete(thought["links"]["self"])
    (letter,) = letters(database, "work")
    (unsent,) = database.rows(text("SELECT value FROM outbox WHERE failure_id = :id"), id=letter.failure_id)
    assert (letter.state, bytes(letter.value), bytes(unsent.value)) == ("discarded", b"", b"")


def test_deleting_again_changes_nothing(client: FlaskClient, thought: dict[str, Any], database: Database) -> None:
    client.delete(thought["links"]["self"])
    before = traces(database)
    assert client.delete(thought["links"]["self"]).status_code == 204
    assert traces(database) == before


def test_the_page_deletes_without_javascript(client: FlaskClient, thought: dict[str, Any]) -> None:
    question, place = f"/t/{thought['id']}/delete", f"/thoughts/{thought['id']}/delete"
    assert f'href="{question}"' in client.get(thought["links"]["page"]).text
    assert f'action="{place}"' in client.get(question).text
    answer = client.post(place, data={})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    for link in (question, thought["links"]["page"]):
        assert client.get(link).status_code == 404
    assert ["The thought is deleted" in client.get("/").text for _ in range(2)] == [True, False]


def test_an_old_record_does_not_bring_it_back(
    client: FlaskClient, thought: dict[str, Any], database: Database, settings: Settings
) -> None:
    user, identity = UUID(thought["user_id"]), UUID(thought["id"])
    record = a_doorbell(database, identity)
    client.delete(thought["links"]["self"])
    words, topic = "words to be forgotten", settings.kafka_topic
    event = thought_created(user, identity, words).to_bytes()
    found = accept(database, thought_id=identity, user_id=user, text=words, event=event, topic=topic, emit=True)
    assert (found.created, found.turn) == (False, record.turn)
    decision = ask_once(database, record)
    assert [verdict.kind for verdict in decision.verdicts] == ["done"]
    assert decision.head is None
    assert "forgotten" not in traces(database)


def test_who_works_on_it_is_fenced_and_the_next_of_the_line_begins(
    client: FlaskClient, thought: dict[str, Any], work: Work, database: Database, settings: Settings
) -> None:
    identity = UUID(thought["id"])
    following = client.post("/thoughts", json={"text": "the next"}).json or {}
    work.take(identity)
    work.claim(identity)
    stands = text("SELECT call_id, dispatch_id FROM thoughts WHERE id = :id")
    [before] = database.rows(stands, id=identity)
    client.delete(thought["links"]["self"])
    assert StepStore(database, settings).renew({before.call_id: identity}) == {}
    assert database.rows(stands, id=identity)[0].dispatch_id > before.dispatch_id
    head = ask_once(database, a_doorbell(database, UUID(following["id"]))).head
    assert head is not None
    assert (str(head.thought_id), head.dispatched) == (following["id"], True)


def test_the_kept_events_go_and_the_bridges_are_told(
    client: FlaskClient, thought: dict[str, Any], redis_client: redis.Redis, settings: Settings
) -> None:
    user = UUID(thought["user_id"])
    eventually(lambda: stream_length(redis_client, settings, user) == 1)
    with redis_client.pubsub() as subscription:
        subscription.subscribe(wakeup_channel(settings.redis_sse_prefix))
        client.delete(thought["links"]["self"])
        heard = eventually(lambda: subscription.get_message(ignore_subscribe_messages=True)) or {}
    assert heard["data"] == str(user).encode()
    assert stream_length(redis_client, settings, user) == 0


def test_its_idempotency_key_writes_nothing_any_more(client: FlaskClient, database: Database) -> None:
    headers = {"Idempotency-Key": "once"}
    first = client.post("/thoughts", json={"text": "words to be forgotten"}, headers=headers).json or {}
    database.rows(text("DELETE FROM outbox"))
    client.delete(first["links"]["self"])
    again = client.post("/thoughts", json={"text": "words to be forgotten"}, headers=headers)
    assert again.status_code == 410
    assert "forgotten" not in traces(database)


def test_another_sites_page_deletes_nothing(client: FlaskClient, thought: dict[str, Any]) -> None:
    origin = {"Origin": "https://elsewhere.example"}
    assert client.delete(thought["links"]["self"], headers=origin).status_code == 403
    assert client.post(f"/thoughts/{thought['id']}/delete", data={}, headers=origin).status_code == 403
    assert client.get(thought["links"]["self"]).status_code == 200


class TestWithoutOpenApi:
    @pytest.fixture
    def overrides(self) -> dict[str, Any]:
        return {"trust_user_id": False}

    def test_nobody_deletes_what_is_anothers(self, client: FlaskClient, thought: dict[str, Any], app: Flask) -> None:
        stranger = app.test_client()
        stranger.get("/")
        foreign, none = stranger.delete(thought["links"]["self"]), stranger.delete(f"/thoughts/{uuid4()}")
        assert (foreign.status_code, none.status_code) == (404, 404)
        assert foreign.data == none.data
        assert stranger.post(f"/thoughts/{thought['id']}/delete", data={}).status_code == 404
        assert client.get(thought["links"]["self"]).status_code == 200

    def test_who_wrote_it_deletes_it(self, client: FlaskClient, thought: dict[str, Any]) -> None:
        assert client.delete(thought["links"]["self"]).status_code == 204
        assert client.get(thought["links"]["self"]).status_code == 404
