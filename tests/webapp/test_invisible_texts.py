"""A text that shows nothing is refused at every door, and a visible one is kept with its invisible characters."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from contracts.visible_text import has_visible_character
from tests.webapp.conftest import CountRows
from tests.webapp.http_client import get_thought, submit
from webapp.pages.titles import NO_VISIBLE_TEXT, TITLE_LENGTH, shorten

INVISIBLE = [
    "\u200b",
    "\u2800\u2800",
    "\u3164",
    "\ufeff \u2060",
    "\u202e",
    "\u0301",
    "\a",
    "\U000e0041\u200d",
    "\u00ad\n\u00ad",
]
MESSAGE = "the text has no visible character; write at least one"

PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize("written", INVISIBLE, ids=ascii)
def test_an_invisible_thought_is_refused_as_json_and_from_the_form(
    client: FlaskClient, count_rows: CountRows, written: str
) -> None:
    for headers in ({}, {"Idempotency-Key": "k"}):
        response = client.post("/thoughts", json={"text": written}, headers=headers)
        assert (response.status_code, response.mimetype) == (422, "application/problem+json")
        assert (response.json or {})["detail"] == f"text: {MESSAGE}."
    response = client.post("/thoughts", data={"text": written})
    assert (response.status_code, MESSAGE in response.text) == (422, True)
    assert count_rows("thoughts") == 0


@pytest.mark.parametrize(
    "written", [PERSIAN, FAMILY, "\u2764\ufe0f", "so\u00adft", "\u202eabc", "a\u0301", "\x1b[1mbold\x1b[0m \a"]
)
def test_a_visible_thought_is_stored_byte_for_byte(client: FlaskClient, written: str) -> None:
    assert get_thought(client, submit(client, written))["text"] == written
    page = client.post("/thoughts", data={"text": written}).headers["Location"]
    assert get_thought(client, UUID(page.rpartition("/")[2]))["text"] == written


@pytest.mark.parametrize("body", [b'{"text": "\\ud800"}', b'{"text": "a\\udc00b"}', b'{"text": "a\\u0000b"}'])
def test_a_character_that_cannot_be_stored_is_refused_with_the_reason(client: FlaskClient, body: bytes) -> None:
    response = client.post("/thoughts", data=body, content_type="application/json")
    assert 400 <= response.status_code < 500
    assert response.mimetype == "application/problem+json"
    assert (response.json or {})["detail"]


@pytest.mark.parametrize("written", INVISIBLE, ids=ascii)
def test_an_invisible_entry_of_a_profile_is_refused_as_json_and_a_blank_line_in_the_form(
    client: FlaskClient, written: str
) -> None:
    for profile in ({"goals": ["a", written]}, {"recent_patterns": {"habits": ["a", written]}}):
        response = client.put("/profile", json=profile)
        assert response.status_code == 422
        assert "entry 2" in (response.json or {})["detail"]
    assert client.post("/profile/edit", data={"goals": f"{written}\na", "version": "0"}).status_code == 303
    assert (client.get("/profile").json or {})["goals"] == ["a"]


def test_a_profile_with_an_invisible_entry_of_an_earlier_version_is_shown_without_it(
    client: FlaskClient, database: Database
) -> None:
    client.put("/profile", json={"goals": ["a"]})
    stored = '{"goals": ["\u200b", "a"], "recent_patterns": {"habits": ["\u2800"]}}'
    database.rows(text("UPDATE users SET profile = CAST(:profile AS jsonb) RETURNING id"), profile=stored)
    profile: dict[str, Any] = client.get("/profile").json or {}
    assert (profile["goals"], profile["recent_patterns"]["habits"]) == (["a"], [])
    assert client.get("/profile/edit").status_code == 200


@pytest.mark.parametrize("query", INVISIBLE, ids=ascii)
def test_an_invisible_search_is_no_search(client: FlaskClient, query: str) -> None:
    response = client.get("/thoughts", query_string={"similar_to": query, "user_id": str(uuid4())})
    assert response.status_code == 422
    page = client.get("/search", query_string={"q": query})
    assert page.status_code == 200
    assert "can be searched yet" not in page.text


def test_a_thought_that_an_earlier_version_accepted_can_still_be_opened_and_deleted(
    client: FlaskClient, database: Database
) -> None:
    thought = submit(client)
    database.rows(text("UPDATE thoughts SET text = '\u200b' WHERE id = :id RETURNING id"), id=thought)
    for path in ("/", f"/t/{thought}", f"/t/{thought}/delete"):
        assert NO_VISIBLE_TEXT in client.get(path).text
    assert client.delete(f"/thoughts/{thought}").status_code == 204


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("x" * 79 + FAMILY + "y", "x" * 79 + FAMILY + " …"),
        ("e\u0301" * (TITLE_LENGTH + 1), "e\u0301" * TITLE_LENGTH + " …"),
        ("\U0001f1e9\U0001f1ea" * (TITLE_LENGTH + 1), "\U0001f1e9\U0001f1ea" * TITLE_LENGTH + " …"),
        ("x" * TITLE_LENGTH, "x" * TITLE_LENGTH),
        ("one two " * 20, ("one two " * 20)[:79] + " …"),
        ("\u202egpj.exe\u202c \u2066a\u2069\x00\a", "gpj.exe a"),
        (f"{PERSIAN}\n\n{FAMILY}", f"{PERSIAN} {FAMILY}"),
        ("\u202e\u200b", NO_VISIBLE_TEXT),
    ],
    ids=range(8),
)
def test_a_title_has_whole_characters_as_readers_see_them_and_no_direction(written: str, title: str) -> None:
    assert shorten(written) == title


def test_a_title_is_bounded_also_when_one_character_has_thousands_of_marks() -> None:
    title = shorten("a" + "\u0301" * 9_000)
    assert has_visible_character(title)
    assert len(title) <= 5 * TITLE_LENGTH
