"""The pages as the server renders them: complete without JavaScript, and plain text only."""

import re
from uuid import uuid4

from flask.testing import FlaskClient
from sqlalchemy import text

from agents.catalogue import CATALOGUE
from agents.scripted.samples import sample
from contracts.database import Database
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import submit
from tests.webapp.pages.refresh import FAST_REFRESH
from webapp.queries import LATEST_LENGTH


def test_the_home_page_shows_the_form_and_an_empty_list(client: FlaskClient) -> None:
    page = client.get("/").text
    assert "No thoughts yet" in page
    assert 'action="/thoughts"' in page


def test_the_page_of_an_open_thought_refreshes_itself_without_javascript(
    client: FlaskClient, worker: FakeWorker
) -> None:
    thought = submit(client)
    page = client.get(f"/t/{thought}").text
    assert FAST_REFRESH in page
    assert "Queued" in page
    worker.dispatch(thought)
    worker.run_step(thought, 1)
    worker.claim(thought)
    page = client.get(f"/t/{thought}").text
    assert FAST_REFRESH in page
    assert "1 of 5 agents finished" in page
    assert "Analysis: Running" in page


def test_the_page_of_a_completed_thought_shows_all_results_and_does_not_refresh(
    client: FlaskClient, worker: FakeWorker
) -> None:
    thought = submit(client)
    worker.complete(thought)
    page = client.get(f"/t/{thought}").text
    assert FAST_REFRESH not in page
    assert "data-open" not in page
    for step in range(1, 6):
        assert f"result {step}" in page


def test_an_agent_that_found_nothing_says_so_on_the_page(client: FlaskClient, worker: FakeWorker) -> None:
    thought = submit(client)
    worker.dispatch(thought)
    for step in range(1, 6):
        worker.run_step(thought, step, {"quick_wins": [], "avoid": []} if step == 4 else {"note": "x"})
    page = client.get(f"/t/{thought}").text
    assert page.count("Nothing was found.") == 1
    assert '<a href="#action_plan">' in page


def test_the_page_of_a_failed_thought_says_what_happened_and_who_can_retry(
    client: FlaskClient, worker: FakeWorker
) -> None:
    thought = submit(client)
    worker.dispatch(thought)
    worker.claim(thought)
    worker.fail(thought)
    page = client.get(f"/t/{thought}").text
    assert 'role="alert"' in page
    assert "Classification failed after 4 attempts." in page
    assert "The model service was unavailable or too slow, even after several retries." in page
    assert "A retry resumes the analysis at this step and keeps these results" in page
    assert "It can succeed once the service is available again." in page
    assert f'action="/thoughts/{thought}/retry"' in page
    assert FAST_REFRESH not in page


def test_the_page_of_a_permanently_failed_thought_says_that_the_cause_must_be_fixed(
    client: FlaskClient, worker: FakeWorker
) -> None:
    thought = submit(client)
    worker.dispatch(thought)
    worker.fail(thought, kind="permanent")
    page = client.get(f"/t/{thought}").text
    assert "The request was rejected and will be rejected again until the cause is fixed." in page
    assert "It can succeed once the cause is fixed." in page


def test_the_text_of_a_failed_thought_can_be_edited_and_submitted_again(
    client: FlaskClient, worker: FakeWorker
) -> None:
    thought = submit(client, "a thought <b>")
    worker.dispatch(thought)
    worker.fail(thought)
    path = f"/t/{thought}/again"
    assert f'href="{path}"' in client.get(f"/t/{thought}").text
    assert "a thought &lt;b&gt;</textarea>" in client.get(path).text
    assert client.get(f"/t/{uuid4()}/again").status_code == 404


def test_the_page_of_a_pending_thought_shows_how_many_earlier_ones_come_first(client: FlaskClient) -> None:
    submit(client, "the first")
    page = client.get(f"/t/{submit(client, 'the second')}").text
    assert "1 earlier thought of yours is analysed first" in page


def test_the_page_of_a_retrying_thought_shows_the_attempts_and_the_reason(
    client: FlaskClient, worker: FakeWorker
) -> None:
    thought = submit(client)
    worker.dispatch(thought)
    worker.claim(thought)
    worker.retry(thought, "the model <b>slept</b>")
    page = client.get(f"/t/{thought}").text
    assert "Retrying" in page
    assert "1 attempt so far" in page
    assert "data-until=" in page
    assert "the model &lt;b&gt;slept&lt;/b&gt;" in page


def test_only_a_running_agent_has_a_hidden_place_for_what_it_writes(client: FlaskClient, worker: FakeWorker) -> None:
    thought = submit(client)
    worker.dispatch(thought)
    assert "data-partial" not in client.get(f"/t/{thought}").text
    worker.claim(thought)
    page = client.get(f"/t/{thought}").text
    assert page.count("data-partial=") == 1
    assert '<p class="partial" data-partial="1" aria-live="off"></p>' in page
    assert 'aria-labelledby="classification-title" hidden>' in page
    worker.save(thought, 1)
    page = client.get(f"/t/{thought}").text
    assert "data-partial" not in page
    assert 'aria-labelledby="classification-title">' in page


def test_html_of_authors_and_agents_is_escaped(client: FlaskClient, worker: FakeWorker) -> None:
    html = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    thought = submit(client, html)
    worker.dispatch(thought)
    worker.run_step(thought, 1, {html: html, "list": [html], "deep": {"a": [{"b": html}]}, "number": 1.5, "none": None})
    for path in (f"/t/{thought}", "/"):
        page = client.get(path).text
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "&lt;script&gt;" in page


def test_a_fragment_has_the_same_parts_as_the_page(client: FlaskClient, worker: FakeWorker) -> None:
    thought = submit(client)
    worker.dispatch(thought)
    worker.run_step(thought, 1)
    parts = [
        re.findall(r'data-part="([^"]+)"', client.get(f"/t/{thought}{query}").text) for query in ("", "?fragment=1")
    ]
    assert parts[0] == parts[1] == ["head", "steps", "result-classification", "cancel", "actions"]
    assert "<html" not in client.get(f"/t/{thought}?fragment=1").text


def test_the_home_page_links_to_older_thoughts(client: FlaskClient) -> None:
    ids = [str(submit(client, str(number))) for number in range(LATEST_LENGTH + 1)]
    first_page = client.get("/").text
    assert ids[0] not in first_page
    [next_path] = re.findall(r'href="(/\?cursor=[^"#]+)#thoughts"', first_page)
    for path in (next_path, f"{next_path}&fragment=1"):
        page = client.get(path).text
        assert (ids[0] in page, ids[1] in page, "Older thoughts" in page) == (True, False, False)
    assert f'data-src="/?fragment=1&amp;{next_path.removeprefix("/?")}"' in client.get(next_path).text
    assert client.get("/?cursor=x").status_code == 400


def test_the_page_of_a_thought_of_the_rules_links_to_how_to_connect_a_model(
    client: FlaskClient, worker: FakeWorker, database: Database
) -> None:
    thought = submit(client)
    worker.dispatch(thought)
    for step, agent in enumerate(CATALOGUE.agents, start=1):
        worker.run_step(thought, step, dict(sample(agent.output, "a thought")))
    line = "Analysed by built-in rules and a small classifier."
    assert line not in client.get(f"/t/{thought}").text
    assert database.rows(text("UPDATE agent_runs SET provider = 'offline' RETURNING step"))
    page = client.get(f"/t/{thought}").text
    assert line in page
    assert '<a href="/models">Connect a model for more</a>' in page
    assert "AI_PROVIDER=ollama" in client.get("/models").text
    guessed = (
        """UPDATE agent_runs SET output = output || '{"found_by": {"type": "a guess by word rules"}}' WHERE step = 1"""
    )
    assert database.rows(text(f"{guessed} RETURNING step"))
    page = client.get(f"/t/{thought}").text
    assert line not in page
    assert "built-in rules alone, because the classifier cannot run on this machine." in page
