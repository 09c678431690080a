"""The page and the JSON of a thought: similar earlier thoughts, which of them was quoted, and copied results."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import get_thought, submit
from tests.webapp.remembering import embed_thought, note_copied, note_read, write_analysed
from webapp.stream.snapshot import reset_data

BILL = "The hospital sent mum a bill that she cannot pay"
BILL_AGAIN = "Mum got a bill of the hospital which she is unable to pay"
LETTER = "The hospital wrote to mum"
QUOTING = {
    "pattern_connections": [
        {
            "statement": "You wrote about it before.",
            "source": "earlier_thought",
            "quote": "THE hospital sent  mum a bill",
        },
        {"statement": "It says so.", "source": "thought", "quote": "wrote to mum"},
    ]
}


@pytest.fixture
def bills(client: FlaskClient, database: Database, worker: FakeWorker) -> tuple[UUID, UUID, UUID]:
    """Three thoughts of one user; the analysis of the last one read the others and quoted the first."""
    first = write_analysed(client, database, worker, BILL)
    letter = write_analysed(client, database, worker, LETTER)
    last = write_analysed(client, database, worker, BILL_AGAIN, QUOTING)
    note_read(database, last, [letter, first])
    return first, letter, last


def test_the_json_names_the_similar_thoughts_and_the_agents_that_quote_them(
    client: FlaskClient, bills: tuple[UUID, UUID, UUID]
) -> None:
    first, letter, last = bills
    thought = get_thought(client, last)
    assert thought["reused_from"] is None
    quoted, unquoted = thought["similar_thoughts"]
    assert quoted.pop("similarity") > unquoted["similarity"] > 0.8
    assert quoted == {
        "id": str(first),
        "text": BILL,
        "created_at": get_thought(client, first)["created_at"],
        "priority_level": "High",
        "final_recommendation": "Call the bank today.",
        "quoted_by": ["analysis"],
        "page": f"/t/{first}",
    }
    assert (unquoted["id"], unquoted["quoted_by"]) == (str(letter), [])
    assert get_thought(client, first)["similar_thoughts"] == []


def test_a_list_and_the_reset_of_a_stream_show_the_same(
    client: FlaskClient, database: Database, bills: tuple[UUID, UUID, UUID]
) -> None:
    first, _, last = bills
    note_copied(database, last, first)
    thought = get_thought(client, last)
    assert thought["reused_from"]["id"] == str(first)
    assert thought["similar_thoughts"]
    assert (client.get("/thoughts").json or {})["items"][0] == thought
    reset = reset_data(database, UUID(thought["user_id"]))
    assert reset["thoughts"][-1] == thought


def test_the_page_lists_the_similar_thoughts_and_marks_the_quoted_one(
    client: FlaskClient, bills: tuple[UUID, UUID, UUID]
) -> None:
    first, letter, last = bills
    page = client.get(f"/t/{last}").text
    similar = page[page.index('id="similar-title"') :]
    assert similar.index(f"/t/{first}") < similar.index(f"/t/{letter}")
    assert similar.count("Quoted by Analysis") == 1
    assert similar.index("Quoted by Analysis") < similar.index(f"/t/{letter}")
    assert "High: Call the bank today." in similar
    assert "similar-title" not in client.get(f"/t/{first}").text


def test_a_near_thought_is_offered_and_a_merely_similar_one_is_not(
    client: FlaskClient, database: Database, bills: tuple[UUID, UUID, UUID]
) -> None:
    first, letter, last = bills
    embed_thought(database, last, BILL)
    database.rows(text("UPDATE thoughts SET created_at = '2026-05-01T12:00Z' WHERE id = :id"), id=first)
    database.rows(text("UPDATE thought_vectors SET embedding = (SELECT embedding FROM thought_vectors WHERE thought_id "
                       "= :first) WHERE thought_id = :last"), first=first, last=last)  # fmt: skip
    assert f'Similar to <a href="/t/{first}">your thought of 1 May 2026</a>' in client.get(f"/t/{last}").text
    note_read(database, last, [letter])
    assert "Similar to" not in client.get(f"/t/{last}").text


def test_a_deleted_thought_disappears_from_the_similar_ones(
    client: FlaskClient, database: Database, bills: tuple[UUID, UUID, UUID]
) -> None:
    first, letter, last = bills
    client.delete(f"/thoughts/{first}")
    assert [similar["id"] for similar in get_thought(client, last)["similar_thoughts"]] == [str(letter)]
    assert f"/t/{first}" not in client.get(f"/t/{last}").text
    vectors = database.rows(text("SELECT thought_id FROM thought_vectors WHERE thought_id = :id"), id=first)
    assert vectors == []


def test_what_other_results_quote_from_a_deleted_thought_is_erased_and_nothing_else(
    client: FlaskClient, database: Database, bills: tuple[UUID, UUID, UUID]
) -> None:
    first, letter, last = bills
    own_claim = QUOTING["pattern_connections"][1]
    client.delete(f"/thoughts/{letter}")
    assert analysis_of(client, last) == QUOTING, "the quoted thought is still there"
    client.delete(f"/thoughts/{first}")
    assert analysis_of(client, last) == {"pattern_connections": [own_claim]}
    outputs = database.rows(text("SELECT output::text AS output FROM agent_runs WHERE thought_id = :id"), id=last)
    assert all("mum a bill" not in run.output for run in outputs)
    assert "mum a bill" not in client.get(f"/t/{last}").text


def analysis_of(client: FlaskClient, thought: UUID) -> dict[str, Any]:
    agents = get_thought(client, thought)["agents"]
    output: dict[str, Any] = next(agent["output"] for agent in agents if agent["name"] == "analysis")
    return output


def test_another_users_thought_is_never_similar_nor_a_source(
    app: Flask, client: FlaskClient, database: Database, worker: FakeWorker, bills: tuple[UUID, UUID, UUID]
) -> None:
    """Even rows that name another user's thought, which no statement writes, show nothing of it."""
    secret = write_analysed(app.test_client(), database, worker, "another user's secret about a bill")
    _, _, last = bills
    note_read(database, last, [secret])
    note_copied(database, last, secret)
    thought, page = client.get(f"/thoughts/{last}").text, client.get(f"/t/{last}").text
    assert get_thought(client, last)["similar_thoughts"] == []
    assert get_thought(client, last)["reused_from"] == {"id": str(secret), "created_at": None, "page": None}
    for shown in (thought, page):
        assert "another user" not in shown
    assert f"/t/{secret}" not in page


def test_a_copied_thought_says_from_which_one_and_can_be_analysed_again(
    client: FlaskClient, database: Database, worker: FakeWorker
) -> None:
    written = '\nBuy "milk" &\n  bread'
    first, second = (write_analysed(client, database, worker, written) for _ in range(2))
    note_copied(database, second, first)
    database.rows(text("UPDATE thoughts SET created_at = '2026-05-01T12:00Z' WHERE id = :id"), id=first)
    thought = get_thought(client, second)
    assert thought["reused_from"] == {
        "id": str(first), "created_at": "2026-05-01T12:00:00Z", "page": f"/t/{first}",
    }  # fmt: skip
    assert [agent["reused_from"] for agent in thought["agents"]] == [str(first)] * 5
    page = client.get(f"/t/{second}").text
    assert f'Same as <a href="/t/{first}">your thought of 1 May 2026</a>' in page
    assert "Similar to" not in page
    nonce = page.partition('name="nonce" value="')[2].partition('"')[0]
    stored = database.rows(text("SELECT text FROM thoughts WHERE id = :id"), id=second)[0].text
    for _ in range(2):
        response = client.post("/thoughts", data={"nonce": nonce, "fresh": "1", "text": stored})
        assert response.status_code == 303
    rows = database.rows(text("SELECT fresh, text FROM thoughts ORDER BY turn"))
    assert [(row.fresh, row.text) for row in rows] == [(False, stored), (False, stored), (True, stored)]


def test_a_thought_whose_source_was_deleted_says_so_without_a_link(
    client: FlaskClient, database: Database, worker: FakeWorker
) -> None:
    first, second = (write_analysed(client, database, worker, BILL) for _ in range(2))
    note_copied(database, second, first)
    client.delete(f"/thoughts/{first}")
    page = client.get(f"/t/{second}").text
    assert "Same as a thought of yours that was deleted since" in page
    assert f"/t/{first}" not in page
    assert get_thought(client, second)["reused_from"] == {"id": str(first), "created_at": None, "page": None}


def test_copied_results_count_in_no_sum(client: FlaskClient, database: Database, worker: FakeWorker) -> None:
    first = write_analysed(client, database, worker, BILL)
    before = (client.get("/usage").json or {})["total"]
    second = write_analysed(client, database, worker, BILL)
    note_copied(database, second, first)
    nothing = {
        "calls": 0,
        "tokens_in": 0,
        "tokens_out": 0,
        "tokens_complete": True,
        "cost_usd": 0,
        "cost_complete": True,
    }
    assert get_thought(client, second)["usage"] == nothing
    assert (client.get("/usage").json or {})["total"] == before
    assert before["calls"] == 5
    assert "Used" not in client.get(f"/t/{second}").text


@pytest.mark.parametrize(("body", "is_fresh"), [({}, False), ({"reuse": True}, False), ({"reuse": False}, True)])
def test_a_post_can_ask_for_an_analysis_of_its_own(
    client: FlaskClient, database: Database, body: dict[str, Any], is_fresh: bool
) -> None:
    assert client.post("/thoughts", json={"text": BILL} | body).status_code == 201
    assert [row.fresh for row in database.rows(text("SELECT fresh FROM thoughts"))] == [is_fresh]


def test_reuse_must_be_true_or_false(client: FlaskClient) -> None:
    response = client.post("/thoughts", json={"text": BILL, "reuse": "no"})
    assert response.status_code == 422
    assert (response.json or {})["detail"].startswith("reuse: ")


def test_a_thought_of_the_form_is_not_fresh(client: FlaskClient, database: Database) -> None:
    client.post("/thoughts", data={"text": BILL})
    assert [row.fresh for row in database.rows(text("SELECT fresh FROM thoughts"))] == [False]


def test_a_running_thought_shows_what_its_analysis_reads_as_soon_as_it_is_saved(
    client: FlaskClient, database: Database, worker: FakeWorker
) -> None:
    first = write_analysed(client, database, worker, BILL)
    thought = submit(client, BILL_AGAIN)
    worker.dispatch(thought)
    worker.run_step(thought, 1)
    worker.run_step(thought, 2)
    note_read(database, thought, [first])
    [similar] = get_thought(client, thought)["similar_thoughts"]
    assert similar["similarity"] is None, "its vector is missing"
    assert "Similar thoughts" in client.get(f"/t/{thought}").text
