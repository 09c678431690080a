"""`Prefer: wait`: a POST that is answered when the analysis has ended, or when the time is over."""

import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import POOL_SIZE, Database
from tests.eventually import eventually
from tests.webapp.conftest import StartWeb
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.web_processes import WebProcess
from webapp.api.waiting import requested_seconds
from webapp.services import MAX_WAITING_PER_USER

THOUGHTS = text("SELECT id FROM thoughts WHERE user_id = :user")


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2 * POOL_SIZE) as pool:
        yield pool


def post_and_wait(web: WebProcess, user: UUID, seconds: int) -> tuple[dict[str, Any], str | None]:
    """Return the body of the answer, and the preference that was applied."""
    body = json.dumps({"text": "a thought", "user_id": str(user)}).encode()
    headers = {"Content-Type": "application/json", "Prefer": f"wait={seconds}"}
    request = urllib.request.Request(f"{web.url}/thoughts", body, headers)
    with urllib.request.urlopen(request, timeout=120) as response:
        assert response.status == 201
        return json.load(response), response.headers["Preference-Applied"]


def stored(database: Database, user: UUID) -> UUID:
    """Wait until the user's thought is stored, and return its id."""
    return UUID(str(eventually(lambda: database.rows(THOUGHTS, user=user))[0].id))


@pytest.fixture
def earlier_wait(
    web: WebProcess, database: Database, worker: FakeWorker, threads: ThreadPoolExecutor
) -> Iterator[Future[Any]]:
    """A request that began to wait before the test's own: if both wait in vain, they end in this order."""
    user = uuid4()
    answer = threads.submit(post_and_wait, web, user, 50)
    thought = stored(database, user)
    yield answer
    worker.complete(thought)
    answer.result()


def test_the_answer_comes_with_the_results_when_the_analysis_has_ended(
    web: WebProcess,
    database: Database,
    worker: FakeWorker,
    threads: ThreadPoolExecutor,
    earlier_wait: Future[Any],
) -> None:
    for end, status, message in (
        ("complete", "completed", "The analysis is complete."),
        ("fail", "failed", "The analysis failed."),
    ):
        user = uuid4()
        answer = threads.submit(post_and_wait, web, user, 50)
        thought = stored(database, user)
        if end == "complete":
            worker.complete(thought)
        else:
            worker.dispatch(thought)
            worker.fail(thought)
        body, applied = answer.result()
        assert (body["status"], body["thought"]["status"], applied) == (status, status, "wait=50")
        assert body["message"] == message
        assert body["id"] == body["thought"]["id"] == str(thought)
        assert not earlier_wait.done(), "the time is not over"


def test_an_end_without_an_event_is_noticed_as_well(
    web: WebProcess, database: Database, threads: ThreadPoolExecutor, earlier_wait: Future[Any]
) -> None:
    user = uuid4()
    answer = threads.submit(post_and_wait, web, user, 50)
    FakeWorker(database).complete(stored(database, user))
    assert answer.result()[0]["status"] == "completed"
    assert not earlier_wait.done(), "the time is not over"


def test_the_answer_comes_when_the_time_is_over_with_what_there_is(
    web: WebProcess, database: Database, worker: FakeWorker, threads: ThreadPoolExecutor
) -> None:
    user = uuid4()
    answer = threads.submit(post_and_wait, web, user, 2)
    worker.dispatch(stored(database, user))
    body, applied = answer.result()
    assert (body["status"], applied) == ("processing", "wait=2")
    assert [agent["status"] for agent in body["thought"]["agents"]] == ["waiting"] * 5


def test_waiting_requests_hold_no_connection_of_the_database(
    web: WebProcess, database: Database, worker: FakeWorker, threads: ThreadPoolExecutor
) -> None:
    users = [uuid4() for _ in range(POOL_SIZE + 2)]
    answers: list[Future[Any]] = [threads.submit(post_and_wait, web, user, 50) for user in users]
    thoughts = [stored(database, user) for user in users]
    web.post("a thought of somebody else", uuid4())
    with urllib.request.urlopen(f"{web.url}/thoughts?user_id={users[0]}", timeout=10) as response:
        assert json.load(response)["items"][0]["status"] == "pending"
    for thought in thoughts:
        worker.complete(thought)
    assert {answer.result()[0]["status"] for answer in answers} == {"completed"}


def test_a_process_that_stops_answers_the_waiting_requests(
    start_web: StartWeb, database: Database, threads: ThreadPoolExecutor
) -> None:
    web, user = start_web(), uuid4()
    answer = threads.submit(post_and_wait, web, user, 50)
    thought = stored(database, user)
    web.stop()
    assert answer.result()[0]["id"] == str(thought)


def test_a_request_for_which_there_is_no_room_does_not_wait(app: Flask, client: FlaskClient) -> None:
    user, limiter = uuid4(), app.extensions["services"].waiting_limiter
    assert all(limiter.try_acquire(user) for _ in range(MAX_WAITING_PER_USER))
    response = client.post("/thoughts", json={"text": "x", "user_id": str(user)}, headers={"Prefer": "wait=50"})
    assert response.status_code == 201
    assert "Preference-Applied" not in response.headers
    assert "thought" not in (response.json or {})
    other = client.post("/thoughts", json={"text": "x", "user_id": str(uuid4())}, headers={"Prefer": "wait=1"})
    assert other.headers["Preference-Applied"] == "wait=1"
    assert limiter.open_connections == MAX_WAITING_PER_USER


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("wait=20", 20), ("respond-async, wait=10", 10), ("WAIT = 5", 5), ('wait="7"; x=y', 7), ("wait=999999999", 50),
        ("wait=0", 0), ("wait=-1", 0), ("wait=soon", 0), ("wait", 0), ("", 0), ("wait=\u0665", 0),
        ("wait=3, wait=9", 3), ("await=9", 0),
    ],
)  # fmt: skip
def test_only_a_number_of_seconds_is_waited_for_and_never_more_than_fifty(
    app: Flask, header: str, seconds: int
) -> None:
    with app.test_request_context(headers={"Prefer": header}):
        assert requested_seconds() == seconds
