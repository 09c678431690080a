"""The page of the profile: a form that keeps what was written, and never overwrites another tab's change."""

import re
from html import unescape
from uuid import uuid4

from flask.testing import FlaskClient

from agents.catalogue import CATALOGUE
from contracts.database import Database
from tests.webapp.conftest import CountRows, MakeApp
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import set_run, submit
from tests.webapp.test_problems import NO_DATABASE

FORM = {"goals": "Sleep more\r\n\r\n  Learn Rust  ", "recent_patterns.energy_peaks": "mornings", "language": "EN"}


def text_of(page: str, field: str) -> str:
    """Return what a field of the form holds."""
    [(area, value)] = re.findall(rf'name="{re.escape(field)}"[^>]*?(?:>([^<]*)</textarea>|value="([^"]*)")', page)
    return unescape(area or value)


def version_of(page: str) -> str:
    return text_of(page, "version")


def test_the_home_page_links_to_the_profile(client: FlaskClient) -> None:
    assert 'href="/profile/edit"' in client.get("/").text


def test_an_empty_profile_says_what_it_is_good_for_and_who_reads_it(client: FlaskClient, count_rows: CountRows) -> None:
    page = client.get("/profile/edit").text
    assert "Your profile is empty." in page
    for agent in CATALOGUE.agents:
        assert (f"<strong>{agent.title}</strong>" in page) == agent.reads_profile
    assert "A change applies to the thoughts that you write afterwards" in page
    assert count_rows("users") == 0


def test_what_was_saved_is_shown_with_a_notice_that_is_shown_once(client: FlaskClient) -> None:
    response = client.post("/profile/edit", data=FORM | {"version": "0"})
    assert (response.status_code, response.headers["Location"]) == (303, "/profile/edit")
    page = client.get("/profile/edit").text
    assert "Your profile was saved." in page
    assert "Your profile is empty." not in page
    assert text_of(page, "goals") == "Sleep more\nLearn Rust"
    assert (text_of(page, "recent_patterns.energy_peaks"), text_of(page, "language")) == ("mornings", "en")
    assert version_of(page) == "1"
    assert "Your profile was saved." not in client.get("/profile/edit").text
    assert (client.get("/profile").json or {})["goals"] == ["Sleep more", "Learn Rust"]


def test_errors_stand_beside_their_fields_and_nothing_that_was_written_is_lost(client: FlaskClient) -> None:
    written = {"goals": "x" * 201, "constraints": "little <b>time</b>", "time_zone": "Mars", "version": "0"}
    response = client.post("/profile/edit", data=written)
    assert response.status_code == 422
    errors = re.findall(r'<p class="field-error" id="([a-z-]+)">([^<]+)</p>', response.text)
    assert errors == [
        ("goals-error", "Entry 1 has 201 characters; shorten it to 200 or fewer."),
        ("time-zone-error", "This is not a known time zone; write one such as Europe/Berlin, or leave it empty."),
    ]
    assert response.text.count('aria-invalid="true"') == 2
    assert 'role="alert"' in response.text
    for field, value in written.items():
        assert text_of(response.text, field) == value
    assert "<b>" not in response.text
    assert (client.get("/profile").json or {})["version"] == 0


def test_a_form_of_an_outdated_version_is_shown_again_and_overwrites_only_when_it_is_sent_again(
    client: FlaskClient,
) -> None:
    for goal, version in (("first tab", "0"), ("second tab", "0")):
        response = client.post("/profile/edit", data={"goals": goal, "version": version})
    assert response.status_code == 409
    assert "changed in another tab" in response.text
    assert (text_of(response.text, "goals"), version_of(response.text)) == ("second tab", "1")
    assert (client.get("/profile").json or {})["goals"] == ["first tab"]
    again = {"goals": "second tab", "version": version_of(response.text)}
    assert client.post("/profile/edit", data=again).status_code == 303
    assert (client.get("/profile").json or {})["goals"] == ["second tab"]


def test_a_form_without_a_version_overwrites_nothing(client: FlaskClient) -> None:
    client.post("/profile/edit", data={"goals": "a", "version": "0"})
    for version in ({}, {"version": ""}, {"version": "x"}, {"version": "9" * 30}):
        assert client.post("/profile/edit", data={"goals": "b"} | version).status_code == 409
    assert (client.get("/profile").json or {})["goals"] == ["a"]


def test_a_form_that_was_sent_twice_is_saved_once(client: FlaskClient) -> None:
    for _ in range(2):
        assert client.post("/profile/edit", data=FORM | {"version": "0"}).status_code == 303
    assert (client.get("/profile").json or {})["version"] == 1


def test_the_form_keeps_what_was_written_while_postgres_is_unavailable(make_app: MakeApp) -> None:
    client = make_app(database_url=NO_DATABASE).test_client()
    response = client.post("/profile/edit", data=FORM | {"version": "0"})
    assert (response.status_code, response.mimetype) == (503, "text/html")
    assert int(response.headers["Retry-After"]) > 0
    assert "Learn Rust" in text_of(response.text, "goals")
    assert client.get("/profile/edit").status_code == 503


def test_html_in_a_profile_is_escaped(client: FlaskClient) -> None:
    html = "</textarea><script>alert(1)</script>"
    client.put("/profile", json={"goals": [html]})
    page = client.get("/profile/edit").text
    assert "<script>alert" not in page
    assert text_of(page, "goals") == html


def test_the_page_shows_what_the_visitors_thoughts_used_and_nothing_of_other_users(
    client: FlaskClient, database: Database, worker: FakeWorker
) -> None:
    assert "What your thoughts used" not in client.get("/profile/edit").text
    for thought, tokens in ((submit(client), 1412), (submit(client, user=uuid4()), 9999)):
        worker.dispatch(thought)
        worker.run_step(thought, 1)
        set_run(database, thought, 1, f"tokens_in = {tokens}, tokens_out = 188, cost_usd = 0.0021")
    page = client.get("/profile/edit").text
    assert "<td>1</td><td>1,412 + 188 tokens</td><td>$0.0021</td>" in page
    assert "9,999" not in page
