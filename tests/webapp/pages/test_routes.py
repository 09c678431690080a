"""The pages, as they come from the server: whole without JavaScript, plain text only, strict headers."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from bridge.consumer.batch_source import BEGIN
from contracts.database import Database
from tasks.batches import Batches
from tests.eventually import eventually
from tests.webapp.conftest import MakeApp
from tests.webapp.worker_by_hand import Work
from webapp.queries import LATEST_LENGTH

REFRESH = '<noscript><meta http-equiv="refresh" content="3"></noscript>'
SELDOM = '<noscript><meta http-equiv="refresh" content="60"></noscript>'


def posted(client: FlaskClient, text: str) -> UUID:
    return UUID((client.post("/thoughts", json={"text": text}).json or {})["id"])


def test_the_first_page_invites_and_lists_nothing_yet(client: FlaskClient) -> None:
    page = client.get("/").text
    assert "Nothing here yet" in page
    assert 'action="/thoughts"' in page


def test_the_page_of_an_open_thought_refreshes_itself_without_javascript(client: FlaskClient, work: Work) -> None:
    thought = posted(client, "a thought")
    page = client.get(f"/t/{thought}").text
    assert REFRESH in page
    assert "Queued" in page
    work.take(thought)
    work.step(thought, 1)
    work.claim(thought)
    page = client.get(f"/t/{thought}").text
    assert REFRESH in page
    assert "1 of 5 agents finished" in page
    assert "Analysis: Running" in page


@pytest.mark.parametrize("changed", [{"kafka_enabled": False}, {"kafka_mode": False}], ids=["no Kafka", "batch mode"])
def test_what_waits_for_the_batch_says_so_until_it_is_taken(
    make_app: MakeApp, work: Work, database: Database, changed: dict[str, Any]
) -> None:
    client = make_app(**changed, batch_schedule="30 4 24 12 *", timezone="Europe/Berlin").test_client()
    following = "The next batch begins on 24 December at 04:30 (Europe/Berlin)."
    assert "one after the other, in batches, and" in client.get("/").text
    thought = posted(client, "a thought")
    for page in ("/", f"/t/{thought}", f"/t/{thought}?fragment=1"):
        shown = client.get(page).text
        assert "Queued" in shown
        assert following in shown
    assert SELDOM in client.get(f"/t/{thought}").text, "it waits for hours"
    Batches(database).request()
    database.rows(BEGIN)
    later = posted(client, "too late for it")
    for page in ("/", f"/t/{thought}"):
        assert "The batch is running." in client.get(page).text
    assert following in client.get(f"/t/{later}").text
    work.take(thought)
    assert " batch" not in client.get(f"/t/{thought}").text


def test_with_kafka_away_a_person_is_told_what_is_waited_for(make_app: MakeApp, work: Work) -> None:
    app = make_app(kafka_bootstrap_servers="127.0.0.1:9")
    client = app.test_client()
    thought = posted(client, "a thought")
    eventually(lambda: not app.extensions["services"].kafka_probe.is_reachable)
    for page in ("/", f"/t/{thought}"):
        assert "Kafka is unavailable; the analysis starts when it is back." in client.get(page).text
    assert SELDOM in client.get(f"/t/{thought}").text
    work.take(thought)
    assert "Kafka" not in client.get(f"/t/{thought}").text


def test_the_page_of_a_finished_thought_stands_still(client: FlaskClient, work: Work) -> None:
    thought = posted(client, "a thought")
    work.complete(thought)
    page = client.get(f"/t/{thought}").text
    assert REFRESH not in page
    assert "data-open" not in page
    for step in range(1, 6):
        assert f"result {step}" in page


def test_a_failed_thought_says_so_in_an_alert(client: FlaskClient, work: Work) -> None:
    thought = posted(client, "a thought")
    work.take(thought)
    work.claim(thought)
    work.fail(thought)
    page = client.get(f"/t/{thought}").text
    assert 'role="alert"' in page
    assert "Classification gave up after 4 attempts" in page
    assert (
        "Whoever runs this installation can start it again from this step, once it is in reach again; or you can"
        in page
    )
    assert REFRESH not in page


def test_a_failed_thought_can_be_written_again(client: FlaskClient, work: Work) -> None:
    thought = posted(client, "a thought <b>")
    work.take(thought)
    work.fail(thought)
    place = f"/t/{thought}/again"
    assert f'href="{place}"' in client.get(f"/t/{thought}").text
    assert "a thought &lt;b&gt;</textarea>" in client.get(place).text
    assert client.get(f"/t/{uuid4()}/again").status_code == 404


def test_why_it_failed_is_said_without_a_contradiction(client: FlaskClient, work: Work) -> None:
    thought = posted(client, "a thought")
    work.take(thought)
    work.fail(thought, kind="permanent")
    page = client.get(f"/t/{thought}").text
    assert "It was refused, and would be again as things are." in page
    assert "can start it again from this step, once the reason is mended;" in page


def test_a_waiting_thought_says_how_many_come_first(client: FlaskClient) -> None:
    posted(client, "the first")
    assert "1 thought of yours comes first" in client.get(f"/t/{posted(client, 'the second')}").text


def test_a_retry_shows_its_attempts_and_the_reason(client: FlaskClient, work: Work) -> None:
    thought = posted(client, "a thought")
    work.take(thought)
    work.claim(thought)
    work.retry(thought, "the model <b>slept</b>")
    page = client.get(f"/t/{thought}").text
    assert "Trying again" in page
    assert "1 attempt so far" in page
    assert "data-until=" in page
    assert "the model &lt;b&gt;slept&lt;/b&gt;" in page


def test_whatever_people_or_agents_write_stays_text(client: FlaskClient, work: Work) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    thought = posted(client, evil)
    work.take(thought)
    work.step(thought, 1, {evil: evil, "list": [evil], "deep": {"a": [{"b": evil}]}, "number": 1.5, "none": None})
    for path in (f"/t/{thought}", "/"):
        page = client.get(path).text
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "&lt;script&gt;" in page


def test_a_fragment_has_the_same_parts_as_the_page(client: FlaskClient, work: Work) -> None:
    thought = posted(client, "a thought")
    work.take(thought)
    work.step(thought, 1)
    parts = [
        re.findall(r'data-part="([^"]+)"', client.get(f"/t/{thought}{query}").text) for query in ("", "?fragment=1")
    ]
    assert parts[0] == parts[1] == ["head", "steps", "found-classification", "actions"]
    assert "<html" not in client.get(f"/t/{thought}?fragment=1").text


def test_a_missing_page_is_said_in_html(client: FlaskClient) -> None:
    for path, headers in ((f"/t/{uuid4()}", {}), ("/nowhere", {"Accept": "text/html,*/*;q=0.8"})):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer.mimetype) == (404, "text/html")
        assert "http-equiv" not in answer.text


def test_every_answer_carries_the_strict_headers(client: FlaskClient) -> None:
    for path in ("/", "/thoughts", "/health", "/metrics", "/static/live.js", "/nowhere", f"/thoughts/{uuid4()}"):
        with client.get(path) as answer:
            headers = answer.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
    assert client.get("/thoughts").headers["Cache-Control"] == "private, no-store"


def test_the_pages_hold_nothing_that_the_policy_forbids(client: FlaskClient, work: Work) -> None:
    thought = posted(client, "a thought")
    work.complete(thought)
    for path in ("/", f"/t/{thought}", f"/t/{thought}/delete", f"/t/{uuid4()}"):
        page = client.get(path).text
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", page)
        assert not re.search(r"<script(?![^>]*\ssrc=\"/static/)", page)
        for address in re.findall(r'(?:src|href)="([^"]+)"', page):
            assert address.startswith(("/", "#")), address


def test_older_thoughts_are_a_link_away(client: FlaskClient) -> None:
    ids = [str(posted(client, str(number))) for number in range(LATEST_LENGTH + 1)]
    first = client.get("/").text
    assert ids[0] not in first
    [following] = re.findall(r'href="(/\?cursor=[^"#]+)#thoughts"', first)
    for page in (following, f"{following}&fragment=1"):
        shown = client.get(page).text
        assert (ids[0] in shown, ids[1] in shown, "Older thoughts" in shown) == (True, False, False)
    assert f'data-src="/?fragment=1&amp;{following.removeprefix("/?")}"' in client.get(following).text
    assert client.get("/?cursor=x").status_code == 400
