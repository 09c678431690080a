"""POST /thoughts: what is accepted, once; what is refused, and how."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from contracts.events import parse_created
from contracts.settings import Settings
from tests.eventually import eventually
from tests.webapp.conftest import MakeApp, stream_length

TEXT = "Should I learn Rust this winter?"
NO_DATABASE = "postgresql+psycopg2://thoughts@127.0.0.1:9/thoughts"
Count = Callable[[str], int]


def post(client: FlaskClient, body: Any, **headers: str) -> Any:
    return client.post("/thoughts", json=body, headers=headers)


def test_an_accepted_thought_is_answered_with_its_links(client: FlaskClient) -> None:
    user = uuid4()
    answer = post(client, {"text": f"  {TEXT}\n", "user_id": str(user)})
    thought = answer.json["id"]
    assert answer.status_code == 201
    assert answer.json == {
        "id": thought,
        "user_id": str(user),
        "status": "pending",
        "message": "Processing started...",
        "links": {"self": f"/thoughts/{thought}", "stream": f"/thoughts/stream/{user}", "page": f"/t/{thought}"},
    }
    assert answer.headers["Location"] == f"/thoughts/{thought}"
    assert UUID(thought).version == 7
    shown = client.get(answer.json["links"]["self"]).json or {}
    assert shown["text"] == TEXT
    assert client.get(answer.json["links"]["page"]).status_code == 200


def test_the_thought_and_its_outbox_row_are_stored_together(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    user = uuid4()
    thought = UUID(post(client, {"text": TEXT, "user_id": str(user)}).json["id"])
    [row] = database.rows(text("SELECT topic, key, turn, value FROM outbox"))
    event = parse_created(bytes(row.value))
    assert (row.topic, row.key, row.turn) == (settings.kafka_topic, str(user), 1)
    assert (event.thought_id, event.user_id, event.text) == (thought, user, TEXT)


def test_thoughts_of_one_user_get_turns_in_the_order_of_acceptance(client: FlaskClient, database: Database) -> None:
    ids = [UUID(post(client, {"text": str(number)}).json["id"]) for number in range(3)]
    rows = database.rows(text("SELECT id FROM thoughts ORDER BY turn"))
    assert [row.id for row in rows] == ids


def test_thought_created_is_published_after_the_commit(
    client: FlaskClient, settings: Settings, redis_client: redis.Redis
) -> None:
    user = uuid4()
    post(client, {"text": TEXT, "user_id": str(user)})
    eventually(lambda: stream_length(redis_client, settings, user) == 1)


def test_the_form_leads_to_the_page_of_the_thought(client: FlaskClient) -> None:
    answer = client.post("/thoughts", data={"text": TEXT})
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/t/")
    assert TEXT in client.get(answer.headers["Location"]).text


def test_a_form_sent_twice_is_one_thought_and_an_edited_one_another(client: FlaskClient, count: Count) -> None:
    client.get("/")
    first = client.post("/thoughts", data={"text": TEXT, "nonce": "n"}).headers["Location"]
    assert client.post("/thoughts", data={"text": TEXT, "nonce": "n"}).headers["Location"] == first
    assert client.post("/thoughts", data={"text": "another", "nonce": "n"}).headers["Location"] != first
    assert count("thoughts") == 2


def test_a_refused_form_keeps_what_was_written(client: FlaskClient) -> None:
    answer = client.post("/thoughts", data={"text": "x" * 10_001})
    assert answer.status_code == 422
    assert "x" * 10_001 in answer.text
    assert 'role="alert"' in answer.text


def test_a_line_end_of_a_form_counts_as_one_character(client: FlaskClient) -> None:
    lines = "x\r\n" * 4_999 + "xx"
    thought = client.post("/thoughts", data={"text": lines}).headers["Location"].rpartition("/")[2]
    assert (client.get(f"/thoughts/{thought}").json or {})["text"] == lines.replace("\r\n", "\n")


def test_a_form_sent_while_postgres_is_away_is_answered_with_itself(make_app: MakeApp) -> None:
    client = make_app(database_url=NO_DATABASE).test_client()
    answer = client.post("/thoughts", data={"text": f"{TEXT} <b>", "nonce": "n"})
    assert (answer.status_code, answer.mimetype, "Retry-After" in answer.headers) == (503, "text/html", True)
    assert f"{TEXT} &lt;b&gt;</textarea>" in answer.text
    assert 'name="nonce" value="n"' in answer.text, "so that it is one thought, should the first try have been stored"
    assert "The database is unavailable" in answer.text
    assert "sent again, it is stored once" in answer.text


def test_a_form_that_comes_again_after_its_thought_was_deleted_may_be_sent_anew(
    client: FlaskClient, count: Count
) -> None:
    form = {"text": TEXT, "nonce": "n"}
    thought = client.post("/thoughts", data=form).headers["Location"].rpartition("/")[2]
    client.delete(f"/thoughts/{thought}")
    answer = client.post("/thoughts", data=form)
    assert (answer.status_code, f"{TEXT}</textarea>" in answer.text) == (410, True)
    assert "Idempotency-Key" not in answer.text
    [nonce] = re.findall(r'name="nonce" value="([^"]+)"', answer.text)
    assert client.post("/thoughts", data=form | {"nonce": nonce}).status_code == 303
    assert count("thoughts") == 2


def test_the_same_key_gives_the_same_answer_and_one_thought(
    client: FlaskClient, count: Count, settings: Settings, redis_client: redis.Redis
) -> None:
    user = uuid4()
    body = {"text": TEXT, "user_id": str(user)}
    answers = [post(client, body, **{"Idempotency-Key": "k1"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.data for answer in answers}) == 1
    assert (count("thoughts"), count("outbox")) == (1, 1)
    post(client, {"text": "a later one", "user_id": str(user)})
    eventually(lambda: stream_length(redis_client, settings, user) >= 2)
    assert stream_length(redis_client, settings, user) == 2, "a repeat must not be announced again"


def test_the_same_key_of_another_user_is_another_thought(client: FlaskClient, count: Count) -> None:
    for _ in range(2):
        assert post(client, {"text": TEXT, "user_id": str(uuid4())}, **{"Idempotency-Key": "k"}).status_code == 201
    assert count("thoughts") == 2


def test_the_same_key_with_another_text_is_refused(client: FlaskClient, count: Count) -> None:
    user = str(uuid4())
    post(client, {"text": TEXT, "user_id": user}, **{"Idempotency-Key": "k"})
    answer = post(client, {"text": "another", "user_id": user}, **{"Idempotency-Key": "k"})
    assert (answer.status_code, answer.mimetype, count("thoughts")) == (422, "application/problem+json", 1)


def test_the_same_key_at_the_same_time_is_one_thought(app: Flask, count: Count) -> None:
    body = {"text": TEXT, "user_id": str(uuid4())}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(app.test_client(), body, **{"Idempotency-Key": "k"}), range(16)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.data for answer in answers}) == 1
    assert (count("thoughts"), count("outbox"), count("users")) == (1, 1, 1)


REFUSED: list[tuple[bytes, str, int]] = [
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


def test_what_cannot_be_taken_is_refused_as_a_problem(client: FlaskClient, count: Count) -> None:
    for body, mimetype, status in REFUSED:
        answer = client.post("/thoughts", data=body, content_type=mimetype)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), (body[:80], answer.text)
        problem = answer.json or {}
        assert (problem["status"], bool(problem["title"]), bool(problem["detail"])) == (status, True, True)
    assert count("thoughts") == 0


def test_an_unusable_idempotency_key_is_refused(client: FlaskClient) -> None:
    for key in ("", "k" * 256):
        assert post(client, {"text": TEXT}, **{"Idempotency-Key": key}).status_code == 400


def test_every_text_within_the_length_is_kept_as_it_is(client: FlaskClient) -> None:
    for written in ("x" * 10_000, "\U0001f600" * 10_000, "a\u2028line\u2029 \r\n two", "'; DROP TABLE users --"):
        thought = post(client, {"text": written}).json["id"]
        assert (client.get(f"/thoughts/{thought}").json or {})["text"] == written
        assert client.post("/thoughts", data={"text": written}).status_code == 303


def test_another_sites_form_is_refused(client: FlaskClient, count: Count) -> None:
    origins = ("https://evil.example", "null", "", "http://[bad", "http://localhost@[", "localhost")
    told = ({"Sec-Fetch-Site": site, "Origin": "http://localhost"} for site in ("cross-site", "same-site"))
    for headers in (*({"Origin": origin} for origin in origins), *told):
        assert client.post("/thoughts", data={"text": TEXT}, headers=headers).status_code == 403
        assert client.post("/thoughts", json={"text": TEXT}, headers=headers).status_code == 403
    assert count("thoughts") == 0


def test_our_own_form_is_not_refused(client: FlaskClient) -> None:
    behind_a_proxy = {"Origin": "https://thoughts.example", "Sec-Fetch-Site": "same-origin"}
    for headers in ({"Origin": "http://localhost"}, behind_a_proxy):
        assert client.post("/thoughts", data={"text": TEXT}, headers=headers).status_code == 303


@pytest.mark.parametrize(
    ("changed", "emitted"), [({"kafka_enabled": False}, 0), ({"kafka_mode": False}, 1)], ids=["no Kafka", "batch mode"]
)
def test_what_is_analysed_at_night_says_so(
    make_app: MakeApp, count: Count, changed: dict[str, Any], emitted: int
) -> None:
    answer = post(make_app(**changed).test_client(), {"text": TEXT})
    assert answer.json["message"] == "Will be analyzed tonight..."
    assert count("outbox") == emitted


def test_with_kafka_away_a_thought_is_accepted_and_said_to_be_queued(make_app: MakeApp, count: Count) -> None:
    app = make_app(kafka_bootstrap_servers="127.0.0.1:9")
    services = app.extensions["services"]
    services.kafka_probe.start()
    eventually(lambda: not services.kafka_probe.is_reachable)
    answer = post(app.test_client(), {"text": TEXT})
    assert answer.status_code == 201
    assert "queued" in answer.json["message"]
    assert count("outbox") == 1


def test_with_redis_away_a_thought_is_accepted(make_app: MakeApp, count: Count) -> None:
    answer = post(make_app(redis_url="redis://127.0.0.1:9/0").test_client(), {"text": TEXT})
    assert answer.status_code == 201
    assert count("outbox") == 1


def test_with_postgres_away_everything_answers_503_with_retry_after(make_app: MakeApp) -> None:
    client = make_app(database_url=NO_DATABASE).test_client()
    for answer in (post(client, {"text": TEXT}), client.get(f"/thoughts/{uuid4()}")):
        assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
        assert int(answer.headers["Retry-After"]) > 0
        assert "127.0.0.1" not in answer.text
    page = client.get("/")
    assert (page.status_code, page.mimetype) == (503, "text/html")
    assert f'http-equiv="refresh" content="{page.headers["Retry-After"]}"' in page.text
    assert "http-equiv" not in client.post(f"/thoughts/{uuid4()}/delete", data={}).text, "nobody asked for that again"


def test_a_web_without_its_secret_key_does_not_start(make_app: MakeApp) -> None:
    with pytest.raises(SystemExit, match="SECRET_KEY: missing"):
        make_app(secret_key=None)


def test_an_address_of_kafka_without_a_port_is_said_clearly(make_app: MakeApp) -> None:
    with pytest.raises(SystemExit, match="KAFKA_BOOTSTRAP_SERVERS: must be host:port"):
        make_app(kafka_bootstrap_servers="127.0.0.1:9092,kafka")
