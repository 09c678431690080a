"""The API: POST /thoughts from JSON and from the form, and GET /thoughts page by page."""

import json
import re
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from tests.webapp.conftest import CountRows, MakeApp
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import get_thought, submit

TEXT = "Should I learn Rust this winter?"
NO_DATABASE = "postgresql+psycopg2://thoughts@127.0.0.1:9/thoughts"


@pytest.mark.usefixtures("_system_runs")
def test_an_accepted_thought_gets_a_response_with_its_links(client: FlaskClient) -> None:
    user = uuid4()
    response = client.post("/thoughts", json={"text": f"  {TEXT}\n", "user_id": str(user)})
    body = response.json or {}
    thought = body["id"]
    assert response.status_code == 201
    assert body == {
        "id": thought,
        "user_id": str(user),
        "status": "pending",
        "message": "Processing started...",
        "links": {"self": f"/thoughts/{thought}", "stream": f"/thoughts/stream/{user}", "page": f"/t/{thought}"},
    }
    assert response.headers["Location"] == f"/thoughts/{thought}"
    assert UUID(thought).version == 7
    assert (client.get(body["links"]["self"]).json or {})["text"] == TEXT
    assert client.get(body["links"]["page"]).status_code == 200


INVALID: list[tuple[bytes, str, int]] = [
    (b"", "application/json", 400),
    (b"{", "application/json", 400),
    (b"\xff\xfe", "application/json", 400),
    (b'{"text": "\\ud800"}', "application/json", 400),
    (b"[" * 5000, "application/json", 400),
    (b'{"text": "x"}', "text/plain", 415),
    (b'{"text": "x"}', "", 415),
    (b"[]", "application/json", 422),
    (b'"text"', "application/json", 422),
    (b"{}", "application/json", 422),
    (b'{"text": null}', "application/json", 422),
    (b'{"text": 5}', "application/json", 422),
    (b'{"text": ["x"]}', "application/json", 422),
    (b'{"text": ""}', "application/json", 422),
    (b'{"text": " \\n\\t"}', "application/json", 422),
    (b'{"text": "a\\u0000b"}', "application/json", 422),
    (b'{"text": "x", "user_id": "me"}', "application/json", 422),
    (b'{"text": "x", "user_id": 5}', "application/json", 422),
    (b'{"text": "x", "userid": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}', "application/json", 422),
    (json.dumps({"text": "x" * 10_001}).encode(), "application/json", 422),
    (b'{"text": "' + b"x" * 300_000 + b'"}', "application/json", 413),
]
"""Body, content type, and the status of the problem."""


def test_an_invalid_post_is_rejected_with_a_problem(client: FlaskClient, count_rows: CountRows) -> None:
    for body, mimetype, status in INVALID:
        response = client.post("/thoughts", data=body, content_type=mimetype)
        assert (response.status_code, response.mimetype) == (status, "application/problem+json"), body[:80]
        problem = response.json or {}
        assert (problem["status"], bool(problem["title"]), bool(problem["detail"])) == (status, True, True)
    assert count_rows("thoughts") == 0


def test_an_invalid_idempotency_key_is_rejected(client: FlaskClient) -> None:
    for key in ("", "k" * 256):
        response = client.post("/thoughts", json={"text": TEXT}, headers={"Idempotency-Key": key})
        assert response.status_code == 400


def test_a_text_of_valid_length_is_stored_unchanged(client: FlaskClient) -> None:
    for text in ("x" * 10_000, "\U0001f600" * 10_000, "a\u2028line\u2029 \r\n two", "'; DROP TABLE users --"):
        assert get_thought(client, submit(client, text))["text"] == text
        assert client.post("/thoughts", data={"text": text}).status_code == 303


def test_the_form_redirects_to_the_page_of_the_thought(client: FlaskClient) -> None:
    response = client.post("/thoughts", data={"text": TEXT})
    assert response.status_code == 303
    assert response.headers["Location"].startswith("/t/")
    assert TEXT in client.get(response.headers["Location"]).text


def test_a_form_that_is_sent_twice_gives_one_thought_and_an_edited_one_another(
    client: FlaskClient, count_rows: CountRows
) -> None:
    client.get("/")
    first = client.post("/thoughts", data={"text": TEXT, "nonce": "n"}).headers["Location"]
    assert client.post("/thoughts", data={"text": TEXT, "nonce": "n"}).headers["Location"] == first
    assert client.post("/thoughts", data={"text": "another", "nonce": "n"}).headers["Location"] != first
    assert count_rows("thoughts") == 2


def test_a_rejected_form_keeps_its_text_and_says_what_is_wrong(client: FlaskClient) -> None:
    response = client.post("/thoughts", data={"text": "x" * 10_001})
    assert response.status_code == 422
    assert "x" * 10_001 in response.text
    assert 'role="alert"' in response.text
    assert "Could not save your thought: the text" in response.text


def test_a_line_end_of_the_form_counts_as_one_character(client: FlaskClient) -> None:
    lines = "x\r\n" * 4_999 + "xx"
    thought = client.post("/thoughts", data={"text": lines}).headers["Location"].rpartition("/")[2]
    assert (client.get(f"/thoughts/{thought}").json or {})["text"] == lines.replace("\r\n", "\n")


def test_a_form_that_is_sent_while_postgres_is_unavailable_keeps_its_text_and_nonce(make_app: MakeApp) -> None:
    client = make_app(database_url=NO_DATABASE).test_client()
    response = client.post("/thoughts", data={"text": f"{TEXT} <b>", "nonce": "n"})
    assert (response.status_code, response.mimetype, "Retry-After" in response.headers) == (503, "text/html", True)
    assert f"{TEXT} &lt;b&gt;</textarea>" in response.text
    assert 'name="nonce" value="n"' in response.text, "with the same nonce it cannot be stored twice"
    assert "The database is unavailable" in response.text
    assert "You can safely send it again: it is stored only once." in response.text


def test_a_form_of_a_deleted_thought_can_be_sent_again_as_a_new_thought(
    client: FlaskClient, count_rows: CountRows
) -> None:
    form = {"text": TEXT, "nonce": "n"}
    thought = client.post("/thoughts", data=form).headers["Location"].rpartition("/")[2]
    client.delete(f"/thoughts/{thought}")
    response = client.post("/thoughts", data=form)
    assert (response.status_code, f"{TEXT}</textarea>" in response.text) == (410, True)
    assert "Idempotency-Key" not in response.text
    [nonce] = re.findall(r'name="nonce" value="([^"]+)"', response.text)
    assert client.post("/thoughts", data=form | {"nonce": nonce}).status_code == 303
    assert count_rows("thoughts") == 2


def test_a_list_is_read_page_by_page_with_the_latest_thoughts_first(client: FlaskClient) -> None:
    user = uuid4()
    ids = [str(submit(client, str(number), user)) for number in range(7)]
    submit(client, "another user's", uuid4())
    pages, cursor = [], ""
    for _ in range(3):
        page = client.get(f"/thoughts?user_id={user}&limit=3&cursor={cursor}").json or {}
        pages.append([item["id"] for item in page["items"]])
        cursor = page["next"]
    assert pages == [ids[:3:-1], ids[3:0:-1], ids[:1]]
    assert cursor is None


def test_a_last_page_that_is_exactly_full_has_no_next_page(client: FlaskClient) -> None:
    user = uuid4()
    for number in range(3):
        submit(client, str(number), user)
    assert (client.get(f"/thoughts?user_id={user}&limit=3").json or {})["next"] is None


def test_a_list_contains_the_same_json_as_each_thought(client: FlaskClient, worker: FakeWorker) -> None:
    user = uuid4()
    done, waiting = submit(client, user=user), submit(client, user=user)
    worker.complete(done)
    listed = (client.get(f"/thoughts?user_id={user}").json or {})["items"]
    assert listed == [get_thought(client, waiting), get_thought(client, done)]


def test_a_list_can_be_filtered_by_status(client: FlaskClient, worker: FakeWorker) -> None:
    user = uuid4()
    done, waiting = submit(client, user=user), submit(client, user=user)
    worker.complete(done)
    for status, expected in (("completed", [done]), ("pending", [waiting]), ("failed", []), ("processing", [])):
        listed = client.get(f"/thoughts?user_id={user}&status={status}").json or {}
        assert [item["id"] for item in listed["items"]] == [str(thought) for thought in expected]


def test_the_list_of_an_unknown_user_is_empty(client: FlaskClient) -> None:
    assert client.get(f"/thoughts?user_id={uuid4()}").json == {"items": [], "next": None}
    assert client.get("/thoughts").json == {"items": [], "next": None}


def test_invalid_parameters_of_a_list_are_rejected_with_a_problem(client: FlaskClient) -> None:
    invalid = {
        "user_id=me": 422, "limit=0": 422, "limit=101": 422, "limit=-1": 422, "limit=ten": 422, "status=done": 422,
        "cursor=x": 400, "cursor=%FF": 400, "cursor=bm90IGEgY3Vyc29y": 400, "limit=" + "9" * 500: 422,
        "limit=0000000019999999": 422, "limit=0020": 422, "limit=%D9%A1": 422, "limit=5%0A": 422,
    }  # fmt: skip
    for query, status in invalid.items():
        response = client.get(f"/thoughts?{query}")
        assert (response.status_code, response.mimetype) == (status, "application/problem+json"), query
