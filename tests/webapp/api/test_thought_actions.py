"""Retrying and cancelling a thought: JSON for programs, forms for people, and nobody but its author."""

import json
import re
from typing import Any
from uuid import UUID

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from contracts.database import Database
from contracts.progress import wakeup_channel
from contracts.settings import Settings
from tests.bridge.dead_letter_rows import STEPS_DONE, fail_thought, get_dead_letter
from tests.bridge.thoughts import decide_once, record_of, thought_row
from tests.eventually import eventually
from tests.webapp.fake_worker import START_EVENTS, FakeWorker
from tests.webapp.http_client import get_thought, submit
from webapp.stream.snapshot import derived_outlines

ALL_ACTIONS = ["retry", "cancel"]
TOKEN = re.compile('name="csrf_token" value="([^"]+)"')


def send_form(client: FlaskClient, thought: UUID, action: str) -> TestResponse:
    """Press a button of the thought's page, or of any page when the thought's has none any more."""
    pages = "".join(client.get(path).text for path in (f"/t/{thought}", f"/t/{thought}/delete"))
    tokens = TOKEN.findall(pages)
    return client.post(f"/thoughts/{thought}/{action}", data={"csrf_token": tokens[0]})


def failed_thought(client: FlaskClient, worker: FakeWorker, database: Database, reason: str = "permanent") -> UUID:
    """Return a thought that failed in its third step, with a dead letter."""
    thought = submit(client)
    worker.dispatch(thought)
    for step in range(1, STEPS_DONE + 1):
        worker.run_step(thought, step)
    fail_thought(database, thought, reason=reason)
    return thought


def test_a_failed_thought_is_retried_from_the_failed_step(
    client: FlaskClient, worker: FakeWorker, database: Database
) -> None:
    thought = failed_thought(client, worker, database)
    newer = submit(client, "a newer one")
    response = client.post(f"/thoughts/{thought}/retry")
    assert (response.status_code, (response.json or {})["status"]) == (200, "pending")
    statuses = [agent["status"] for agent in (response.json or {})["agents"]]
    assert statuses == ["completed"] * STEPS_DONE + ["waiting"] * 3
    row = thought_row(database, thought)
    assert row.turn > thought_row(database, newer).turn
    (record,) = database.rows(text("SELECT key, value FROM outbox WHERE turn = :turn"), turn=row.turn)
    assert (record.key, bytes(record.value)) == (str(row.user_id), bytes(row.event))
    worker.dispatch(thought)
    worker.complete_from_step(thought, STEPS_DONE + 1)
    assert get_thought(client, thought)["status"] == "completed"


def test_a_repeated_retry_changes_nothing(client: FlaskClient, worker: FakeWorker, database: Database) -> None:
    thought = failed_thought(client, worker, database)
    client.post(f"/thoughts/{thought}/retry")
    before = thought_row(database, thought)
    for _ in range(2):
        response = client.post(f"/thoughts/{thought}/retry")
        assert (response.status_code, (response.json or {})["status"]) == (200, "pending")
    assert thought_row(database, thought) == before


def test_a_thought_that_an_operator_discarded_can_still_be_retried(
    client: FlaskClient, worker: FakeWorker, database: Database
) -> None:
    thought = failed_thought(client, worker, database)
    database.rows(text("UPDATE dead_letters SET state = 'discarded'"))
    assert client.post(f"/thoughts/{thought}/retry").status_code == 200
    assert get_dead_letter(database, f"{thought}:1").state == "replayed"


@pytest.mark.parametrize("state", ["pending", "processing", "completed"])
def test_only_a_failed_thought_is_retried(
    client: FlaskClient, worker: FakeWorker, database: Database, state: str
) -> None:
    thought = submit(client)
    {"pending": lambda _: None, "processing": worker.dispatch, "completed": worker.complete}[state](thought)
    before = thought_row(database, thought)
    response = client.post(f"/thoughts/{thought}/retry")
    assert (response.status_code, response.mimetype) == (409, "application/problem+json")
    assert state in (response.json or {})["detail"]
    assert thought_row(database, thought) == before


def test_a_failed_thought_whose_dead_letter_is_missing_says_so(
    client: FlaskClient, worker: FakeWorker, database: Database
) -> None:
    thought = failed_thought(client, worker, database)
    database.rows(text("DELETE FROM dead_letters"))
    response = client.post(f"/thoughts/{thought}/retry")
    assert response.status_code == 409
    assert "the record of its failure is missing" in (response.json or {})["detail"]


@pytest.mark.parametrize("is_processing", [False, True])
def test_an_open_thought_is_cancelled_and_can_be_retried(
    client: FlaskClient, worker: FakeWorker, is_processing: bool
) -> None:
    thought = submit(client)
    if is_processing:
        worker.dispatch(thought)
        worker.run_step(thought, 1)
        worker.claim(thought)
    shown = client.post(f"/thoughts/{thought}/cancel").json or {}
    assert (shown["status"], shown["error"]["kind"], shown["waiting"]) == ("failed", "cancelled", None)
    assert [agent["status"] for agent in shown["agents"]] == (
        ["completed"] * is_processing + ["waiting"] * (5 - is_processing)
    ), "no agent failed"
    assert client.post(f"/thoughts/{thought}/cancel").status_code == 200, "a repeat finds it cancelled"
    assert (client.post(f"/thoughts/{thought}/retry").json or {})["status"] == "pending"


@pytest.mark.parametrize("ending", ["completed", "failed"])
def test_a_thought_that_has_ended_is_not_cancelled(
    client: FlaskClient, worker: FakeWorker, database: Database, ending: str
) -> None:
    thought = failed_thought(client, worker, database) if ending == "failed" else submit(client)
    if ending == "completed":
        worker.complete(thought)
    before = thought_row(database, thought)
    assert client.post(f"/thoughts/{thought}/cancel").status_code == 409
    assert thought_row(database, thought) == before


def test_a_cancellation_is_published_and_wakes_the_bridges(
    client: FlaskClient, settings: Settings, redis_client: redis.Redis, database: Database
) -> None:
    thought = submit(client)
    user = thought_row(database, thought).user_id
    with redis_client.pubsub() as subscription:
        subscription.subscribe(wakeup_channel(settings.redis_prefix))
        client.post(f"/thoughts/{thought}/cancel")
        message = eventually(lambda: subscription.get_message(ignore_subscribe_messages=True)) or {}
    assert message["data"] == str(user).encode()
    entries: Any = redis_client.xrevrange(f"{settings.redis_prefix}:{user}:events", count=1)
    event = json.loads(entries[0][1][b"message"])["data"]
    assert (event["event_type"], event["error_kind"], event["thought_id"]) == (
        "thought_failed",
        "cancelled",
        str(thought),
    )
    derived = [outline.event for outline in derived_outlines(database, user)]
    assert [one.event_type for one in derived] == ["thought_created", "thought_failed"], "it never began"
    assert str(derived[-1].event_id) == event["event_id"], "a stream sends it once"


def test_a_cancelled_thought_that_had_begun_keeps_its_earlier_events(
    client: FlaskClient, worker: FakeWorker, database: Database
) -> None:
    thought = submit(client)
    worker.dispatch(thought)
    client.post(f"/thoughts/{thought}/cancel")
    outlines = derived_outlines(database, thought_row(database, thought).user_id)
    assert [outline.event.event_type for outline in outlines] == [*START_EVENTS, "thought_failed"]


def test_the_next_thought_of_the_line_begins_after_a_cancellation(client: FlaskClient, database: Database) -> None:
    first, second = submit(client, "the first"), submit(client, "the second")
    assert decide_once(database, record_of(database, first)).head is not None
    client.post(f"/thoughts/{first}/cancel")
    head = decide_once(database, record_of(database, second)).head
    assert head is not None
    assert (head.thought_id, head.needs_dispatch) == (second, True)


def test_the_forms_of_the_page_cancel_and_resume_without_javascript(client: FlaskClient, database: Database) -> None:
    thought = submit(client)
    page, cancel, retry = f"/t/{thought}", f"/thoughts/{thought}/cancel", f"/thoughts/{thought}/retry"
    assert f'action="{cancel}"' in client.get(page).text
    response = send_form(client, thought, "cancel")
    assert (response.status_code, response.headers["Location"]) == (303, page)
    shown = client.get(page).text
    assert "The analysis was cancelled." in shown
    assert "You cancelled the analysis." in shown
    assert f'action="{cancel}"' not in shown
    assert f'action="{retry}"' in shown
    assert send_form(client, thought, "retry").headers["Location"] == page
    assert thought_row(database, thought).status == "pending"
    assert "Queued" in client.get(page).text


def test_a_form_that_comes_too_late_shows_what_happened_instead(client: FlaskClient, worker: FakeWorker) -> None:
    thought = submit(client)
    worker.complete(thought)
    for action, reason in (("cancel", "had already ended"), ("retry", "this one is completed")):
        assert send_form(client, thought, action).headers["Location"] == f"/t/{thought}"
        assert reason in client.get(f"/t/{thought}").text


class TestWithoutTrustUserId:
    @pytest.fixture
    def overrides(self, overrides: dict[str, Any]) -> dict[str, Any]:
        return overrides | {"trust_user_id": False}

    @pytest.fixture
    def client(self, client: FlaskClient) -> FlaskClient:
        client.get("/")
        return client

    @pytest.mark.parametrize("action", ALL_ACTIONS)
    def test_nobody_but_the_author_acts_on_a_thought(
        self, client: FlaskClient, app: Flask, worker: FakeWorker, database: Database, action: str
    ) -> None:
        thought = failed_thought(client, worker, database) if action == "retry" else submit(client)
        before = thought_row(database, thought)
        stranger = app.test_client()
        for _ in range(2):
            assert stranger.post(f"/thoughts/{thought}/{action}").status_code == 404
            stranger.get("/")
        assert thought_row(database, thought) == before
        assert client.post(f"/thoughts/{thought}/{action}").status_code == 200

    @pytest.mark.parametrize("action", ALL_ACTIONS)
    def test_a_form_without_its_token_changes_nothing(
        self, client: FlaskClient, database: Database, action: str
    ) -> None:
        thought = submit(client)
        assert client.post(f"/thoughts/{thought}/{action}", data={"csrf_token": "made up"}).status_code == 403
        assert thought_row(database, thought).status == "pending"
