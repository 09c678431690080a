"""Texts of people, models and quotes have a direction of their own, and cannot reorder the page around them."""

import re
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from contracts.visible_text import BIDI_CONTROLS
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import submit

HEBREW = "\u05d0\u05e0\u05d9 \u05e8\u05d5\u05e6\u05d4 Rust \u05d4\u05d7\u05d5\u05e8\u05e3"
OVERRIDE = "MARK \u202egpj.exe \u2069\u2066\u202d"
"""A text with which a file name is made to look like another one, and which ends an isolation of its surroundings."""

VOID = frozenset({"meta", "link", "input", "br"})


class Texts(HTMLParser):
    """Collects the texts of a page that hold a mark, and whether an element isolates their direction."""

    def __init__(self, mark: str) -> None:
        super().__init__()
        self._mark = mark
        self._open: list[tuple[str, bool]] = []
        self.isolated: list[bool] = []
        self.attributes: list[str] = []
        self.title = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        is_isolating = attributes.get("dir") == "auto"
        if tag not in VOID:
            self._open.append((tag, is_isolating))
        for name, value in attrs:
            if value and self._mark in value and not (name == "value" and is_isolating):
                self.attributes.append(value)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][0] == "title":
            self.title += data
        elif self._mark in data:
            self.isolated.append(self._open[-1][1])


def read(page: str, mark: str) -> Texts:
    texts = Texts(mark)
    texts.feed(page)
    return texts


def complete(worker: FakeWorker, thought: UUID, written: str) -> None:
    """Give the thought results with the text in each place that the page shows."""
    claim = {"statement": written, "quote": written, "source": "thought"}
    outputs: list[dict[str, Any]] = [
        {
            "type": written,
            "found_by": {"type": written},
            "entities": {"dates": [written], "people": [written, written]},
        },
        {"summary": written, "risks": [written * 9, written], "not_assessed": ["summary"]},
        {written: claim, "claims": [claim], "evidence": [claim], "score": 5},
        {"actions": [{"title": written, written: [written]}]},
        {"priority_level": written, "final_recommendation": written},
    ]
    worker.dispatch(thought)
    for step, output in enumerate(outputs, start=1):
        worker.run_step(thought, step, output)


@pytest.mark.parametrize(("written", "mark"), [(HEBREW, "Rust"), (OVERRIDE, "MARK")], ids=["Hebrew", "override"])
def test_every_text_stands_in_an_element_of_its_own_direction(
    client: FlaskClient, worker: FakeWorker, database: Database, written: str, mark: str
) -> None:
    thought = submit(client, written)
    complete(worker, thought, written)
    failed = submit(client, written)
    worker.dispatch(failed)
    worker.claim(failed)
    worker.fail(failed)
    error = "UPDATE thoughts SET error = error || jsonb_build_object('message', CAST(:message AS text)) WHERE id = :id"
    database.rows(text(f"{error} RETURNING id"), message=written, id=failed)
    client.put("/profile", json={"goals": [written]})
    paths = ("/", f"/t/{thought}", f"/t/{failed}", f"/t/{failed}/again", f"/t/{thought}/delete", "/profile/edit")
    numbers = {}
    for path in (*paths, f"/search?q={mark}"):
        texts = read(client.get(path).text, mark)
        assert all(texts.isolated), path
        numbers[path] = len(texts.isolated)
        for value in (texts.title, *texts.attributes):
            assert not BIDI_CONTROLS & set(value), path
    assert numbers[f"/t/{thought}"] > 12, "the results are shown"
    assert all(numbers[path] for path in paths)


def test_the_reason_of_a_retry_is_isolated_and_plain_in_its_tooltip(client: FlaskClient, worker: FakeWorker) -> None:
    thought = submit(client)
    worker.dispatch(thought)
    worker.claim(thought)
    worker.retry(thought, OVERRIDE)
    texts = read(client.get(f"/t/{thought}").text, "MARK")
    assert texts.isolated == [True]
    [tooltip] = texts.attributes
    assert not BIDI_CONTROLS & set(tooltip)


def test_the_title_of_the_window_is_the_same_as_the_one_that_a_refresh_sets(client: FlaskClient) -> None:
    page = client.get(f"/t/{submit(client, OVERRIDE + HEBREW)}").text
    title = read(page, "MARK").title
    assert title == f"Queued: MARK gpj.exe {HEBREW} · Thoughts"
    assert re.findall('data-title="([^"]+)"', page)[0] == title


@pytest.mark.parametrize("path", ["/", "/search", "/profile/edit"])
def test_every_field_takes_the_direction_of_what_is_written_into_it(client: FlaskClient, path: str) -> None:
    fields = re.findall(r'<(?:textarea|input (?!type="hidden"))[^>]*>', client.get(path).text)
    assert fields
    assert all('dir="auto"' in field for field in fields)
