"""The page of a thought that waits for its model says why, since when or until when, and that it will continue."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import get_thought, submit
from webapp.pages.model_wait import model_wait

SINCE, UNTIL = "2026-11-29T10:04:00Z", "2026-11-29T10:05:00Z"


def waiting(kind: str) -> dict[str, Any]:
    return {"kind": kind, "message": "M", "since": SINCE, "until": UNTIL}


def sentence(kind: str) -> str:
    """Return the sentence with the time in UTC."""
    wait = model_wait(waiting(kind))
    assert wait is not None
    return f"{wait.before} {wait.when:%H:%M}{wait.after}" if wait.when else wait.before


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "outage",
            "The model has been unreachable since 10:04; your thought is waiting and will continue automatically.",
        ),
        (
            "refused",
            "The operator of this site must correct the settings of the model. It has refused calls since 10:04; "
            "your thought is waiting and will continue automatically.",
        ),
        ("rate_limited", "The model is busy; your thought is waiting and will continue automatically."),
        ("limit", "A limit of this site is used up; your thought continues automatically at 10:05."),
        ("busy", "The model is busy; your thought is waiting and will continue automatically."),
        ("a kind of another release", "The model is busy; your thought is waiting and will continue automatically."),
    ],
)
def test_each_kind_of_wait_has_its_sentence(kind: str, expected: str) -> None:
    assert sentence(kind) == expected


def test_a_thought_that_waits_for_nothing_has_no_sentence() -> None:
    assert model_wait(None) is None


def wait_for_model(database: Database, thought: UUID, kind: str) -> None:
    statement = text("UPDATE thoughts SET waiting = CAST(:waiting AS jsonb) WHERE id = :id RETURNING id")
    assert database.rows(statement, waiting=json.dumps(waiting(kind)), id=thought)


def test_the_page_and_the_json_of_a_waiting_thought_say_why(
    client: FlaskClient, worker: FakeWorker, database: Database
) -> None:
    thought = submit(client, user=uuid4())
    worker.dispatch(thought)
    assert get_thought(client, thought)["waiting"] is None
    wait_for_model(database, thought, "outage")
    body = get_thought(client, thought)
    assert body["waiting"] == waiting("outage")
    assert [agent["status"] for agent in body["agents"]] == ["waiting"] * 5
    page = client.get(f"/t/{thought}").text
    assert "<strong>Waiting for the model</strong>" in page
    assert "In progress" not in page
    assert "The model has been unreachable since" in page
    assert '<time datetime="2026-11-29T10:04:00+00:00"' in page
