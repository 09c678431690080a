"""Everything that is stored about a person comes in one file."""

import json
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from contracts.database import Database
from tests.webapp.access import actors
from tests.webapp.accounts.browsers import EMAIL, PASSWORD, account_id, send_form, sign_up
from tests.webapp.accounts.security_log import kinds
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import submit
from webapp.accounts import personal_data
from webapp.export import data as export_data
from webapp.export.data import ExportedData, json_parts
from webapp.export.markdown import markdown_parts
from webapp.representations import Export


def exported(browser: FlaskClient, form: str) -> TestResponse:
    browser.get("/account/export")
    return browser.post("/account/export", data={"format": form})


def test_the_json_holds_account_profiles_thoughts_with_results_and_events(
    app: Flask, worker: FakeWorker, database: Database
) -> None:
    browser = sign_up(app)
    first, second = submit(browser, "the first"), submit(browser, "the second")
    worker.complete(first)
    for goal in ("Sleep more", "Read more"):
        browser.put("/profile", json={"goals": [goal]})
    answer = exported(browser, "json")
    assert answer.mimetype == "application/json"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="thoughts.json"'
    assert answer.headers["Cache-Control"] == "private, no-store"
    data: dict[str, Any] = json.loads(answer.text)
    assert data["email"] == EMAIL
    assert data["profile"]["goals"] == ["Read more"]
    assert "Sleep more" in str(data["former_profiles"])
    assert data["thoughts"] == [browser.get(f"/thoughts/{thought}").json for thought in (second, first)]
    assert data["thoughts"][1]["agents"][0]["output"] == {"said": "result 1"}
    assert [event["kind"] for event in data["security_events"]] == ["account-created", "exported"]
    assert len(data["sign_ins"]) == 1
    assert kinds(database)[-1] == "exported"


@pytest.mark.parametrize("form", ["json", "markdown"])
def test_no_secret_and_nothing_of_others_is_exported(app: Flask, form: str) -> None:
    other = sign_up(app, "eve@example.org")
    submit(other, "a thought of Eve")
    browser = sign_up(app)
    cookie = browser.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    file = exported(browser, form).text
    assert "argon2" not in file
    assert "hash" not in file
    assert "Eve" not in file.replace("Everything", "")
    assert "eve@" not in file
    assert cookie.value not in file


@pytest.mark.parametrize("page_length", [1, personal_data.PAGE_LENGTH])
def test_what_was_stored_about_a_browser_before_it_joined_the_account_is_in_the_file(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch, page_length: int
) -> None:
    monkeypatch.setattr(personal_data, "PAGE_LENGTH", page_length)
    home, browser = sign_up(app), app.test_client()
    browser.get("/")
    submit(browser)
    for client, goals in ((home, ("first", "second")), (browser, ("an early one", "another", "the last one"))):
        for goal in goals:
            client.put("/profile", json={"goals": [goal]})
    exported(browser, "json")
    joined = UUID((browser.get("/profile").json or {})["user_id"])
    send_form(browser, "/account/sign-in", email=EMAIL, password=PASSWORD)
    data = json.loads(exported(home, "json").text)
    assert [(entry["user_id"], entry["profile"]["version"], entry["profile"]["goals"])
            for entry in data["joined_browsers"]] == [(str(joined), 3, ["the last one"])]  # fmt: skip
    former = {(entry["user_id"], entry["version"]): entry["profile"].get("goals") for entry in data["former_profiles"]}
    account = str(account_id(database))
    assert former == {
        (account, 0): None,
        (account, 1): ["first"],
        (str(joined), 0): None,
        (str(joined), 1): ["an early one"],
        (str(joined), 2): ["another"],
    }
    assert [event["kind"] for event in data["security_events"]] == kinds(database)
    assert kinds(database, joined) == ["exported"]


def test_all_pages_are_in_the_file(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_data, "PAGE_LENGTH", 2)
    browser = sign_up(app)
    ids = [str(submit(browser, f"thought {number}")) for number in range(5)]
    thoughts = json.loads(exported(browser, "json").text)["thoughts"]
    assert [thought["id"] for thought in thoughts] == ids[::-1]
    assert exported(browser, "markdown").text.count("> thought ") == 5


def test_a_file_is_written_while_it_is_read() -> None:
    """So memory stays bounded: the second entry is not read before the first was sent."""
    read: list[int] = []

    def entries() -> Any:
        for number in range(3):
            read.append(number)
            yield {"text": str(number), "agents": [], "created_at": "", "status": "pending", "error": None}

    for parts_of in (json_parts, markdown_parts):
        read.clear()
        parts = parts_of(ExportedData({"email": EMAIL}, {"thoughts": entries()}))
        sent = ""
        while "0" not in sent.replace("00", ""):
            sent += next(parts)
        assert read == [0]
        assert "2" in "".join(parts)


def test_the_markdown_quotes_a_thought_with_its_results_and_no_markup_of_its_own(
    app: Flask, worker: FakeWorker
) -> None:
    browser = sign_up(app)
    thought = submit(browser, "# not a title\n<script>x</script> [a](javascript:b)")
    worker.complete(thought)
    answer = exported(browser, "markdown")
    assert (answer.mimetype, answer.headers["Content-Disposition"]) == (
        "text/markdown",
        'attachment; filename="thoughts.md"',
    )
    assert "> \\# not a title\n> \\<script\\>x\\</script\\> \\[a\\](javascript:b)\n" in answer.text
    assert "#### Classification\n\n- **said**: result 1\n" in answer.text
    assert "**email**: ada@example.org" in answer.text
    assert "## API tokens\n\nNothing.\n" in answer.text


def test_an_anonymous_person_can_export_too_and_a_new_one_has_nothing(app: Flask) -> None:
    browser = app.test_client()
    assert exported(browser, "json").headers["Location"] == "/account/export"
    assert "Nothing is stored about you yet." in browser.get("/account/export").text
    browser.get("/")
    submit(browser, "anonymous")
    data = json.loads(exported(browser, "json").text)
    assert (data["email"], data["thoughts"][0]["text"]) == (None, "anonymous")


def test_the_file_is_what_the_document_of_the_api_says(app: Flask, worker: FakeWorker, database: Database) -> None:
    owner = actors.account_with_things(app, database)
    worker.complete(owner.thought_id)
    browser = actors.signed_in(app, database, owner.user_id)
    joined = text("INSERT INTO users (id, account_id) VALUES (:id, :account)")
    database.rows(joined, id=uuid4(), account=owner.user_id)
    for goal in ("Sleep more", "Read more"):
        browser.put("/profile", json={"goals": [goal]})
    browser.get("/export")
    file = browser.get("/export").json or {}
    assert all(file[name] for name in Export.model_fields)
    assert file.keys() == Export.model_fields.keys()
    for name, field in Export.model_fields.items():
        [model] = [found for found in get_args(field.annotation) if hasattr(found, "model_fields")] or [None]
        assert model is None or all(entry.keys() == model.model_fields.keys() for entry in file[name]), name
    Export.model_validate(file)
    assert "text/markdown" in browser.get("/export?format=markdown").content_type
    assert browser.get("/export?format=yaml").status_code == 422


def test_an_export_needs_a_token_and_a_known_format(app: Flask, database: Database) -> None:
    browser = sign_up(app)
    assert browser.post("/account/export", data={"format": "json", "csrf_token": ""}).status_code == 403
    assert exported(browser, "yaml").status_code == 422
    assert "exported" not in kinds(database)
