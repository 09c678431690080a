"""Accepting a thought: it is stored once, with its outbox row, also while Kafka or Redis is unavailable."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from contracts.events import parse_created
from contracts.settings import Settings
from tests.eventually import eventually
from tests.webapp.conftest import CountRows, MakeApp, history_length
from tests.webapp.http_client import submit
from tests.webapp.model_states import REFUSED, store_states
from tests.webapp.reported_processes import ALL_KINDS, reported

TEXT = "Should I learn Rust this winter?"


def post(client: FlaskClient, body: dict[str, Any], key: str | None = None) -> Any:
    return client.post("/thoughts", json=body, headers={"Idempotency-Key": key} if key else {})


def test_a_thought_and_its_outbox_row_are_stored_together(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    user = uuid4()
    thought = submit(client, TEXT, user)
    [row] = database.rows(text("SELECT topic, key, turn, value FROM outbox"))
    event = parse_created(bytes(row.value))
    assert (row.topic, row.key, row.turn) == (settings.kafka_topic, str(user), 1)
    assert (event.thought_id, event.user_id, event.text) == (thought, user, TEXT)


def test_the_thoughts_of_one_user_get_turns_in_the_order_of_acceptance(client: FlaskClient, database: Database) -> None:
    ids = [submit(client, str(number)) for number in range(3)]
    rows = database.rows(text("SELECT id FROM thoughts ORDER BY turn"))
    assert [row.id for row in rows] == ids


def test_thought_created_is_published_after_the_commit(
    client: FlaskClient, settings: Settings, redis_client: redis.Redis
) -> None:
    user = uuid4()
    submit(client, TEXT, user)
    eventually(lambda: history_length(redis_client, settings, user) == 1)


def test_a_repeated_key_gives_the_same_response_and_one_thought(
    client: FlaskClient, count_rows: CountRows, settings: Settings, redis_client: redis.Redis
) -> None:
    user = uuid4()
    body = {"text": TEXT, "user_id": str(user)}
    responses = [post(client, body, key="k1") for _ in range(3)]
    assert [response.status_code for response in responses] == [201] * 3
    assert len({response.data for response in responses}) == 1
    assert (count_rows("thoughts"), count_rows("outbox")) == (1, 1)
    submit(client, "a later one", user)
    eventually(lambda: history_length(redis_client, settings, user) >= 2)
    assert history_length(redis_client, settings, user) == 2, "a repeated request publishes no event"


def test_the_same_key_of_another_user_gives_another_thought(client: FlaskClient, count_rows: CountRows) -> None:
    for _ in range(2):
        assert post(client, {"text": TEXT, "user_id": str(uuid4())}, key="k").status_code == 201
    assert count_rows("thoughts") == 2


def test_the_same_key_with_another_text_is_rejected(client: FlaskClient, count_rows: CountRows) -> None:
    user = str(uuid4())
    post(client, {"text": TEXT, "user_id": user}, key="k")
    response = post(client, {"text": "another", "user_id": user}, key="k")
    assert (response.status_code, response.mimetype) == (422, "application/problem+json")
    assert count_rows("thoughts") == 1


def test_concurrent_requests_with_the_same_key_give_one_thought(app: Flask, count_rows: CountRows) -> None:
    body = {"text": TEXT, "user_id": str(uuid4())}
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda _: post(app.test_client(), body, key="k"), range(16)))
    assert {response.status_code for response in responses} == {201}
    assert len({response.data for response in responses}) == 1
    assert (count_rows("thoughts"), count_rows("outbox"), count_rows("users")) == (1, 1, 1)


@pytest.mark.parametrize(
    ("changes", "outbox_rows"),
    [({"kafka_enabled": False}, 0), ({"kafka_mode": False}, 1)],
    ids=["no Kafka", "batch mode"],
)
@pytest.mark.usefixtures("_system_runs")
def test_in_batch_mode_the_response_says_that_the_thought_is_analysed_at_night(
    make_app: MakeApp, count_rows: CountRows, changes: dict[str, Any], outbox_rows: int
) -> None:
    response = post(make_app(**changes).test_client(), {"text": TEXT})
    assert response.json["message"] == "Will be analyzed tonight..."
    assert count_rows("outbox") == outbox_rows


def test_a_thought_is_accepted_and_queued_while_kafka_is_unavailable(make_app: MakeApp, count_rows: CountRows) -> None:
    response = post(make_app(kafka_bootstrap_servers="127.0.0.1:9").test_client(), {"text": TEXT})
    assert response.status_code == 201
    assert "stored and queued. Kafka is unavailable" in response.json["message"]
    assert count_rows("outbox") == 1


@pytest.mark.parametrize("missing", ["relay", "bridge", "worker"])
def test_the_response_promises_no_analysis_that_no_process_would_do(
    make_app: MakeApp, settings: Settings, missing: str
) -> None:
    client = make_app().test_client()
    with reported(settings, *[kind for kind in ALL_KINDS if kind != missing]):
        message = post(client, {"text": TEXT}).json["message"]
    assert (
        message == f"Your thought is stored and queued. No {missing} is running; the analysis starts when one is back."
    )


@pytest.mark.usefixtures("_system_runs")
def test_the_response_promises_no_analysis_while_the_model_service_is_unavailable(
    make_app: MakeApp, settings: Settings, redis_client: redis.Redis
) -> None:
    store_states(redis_client, settings, {"openai:gpt": REFUSED})
    message = post(make_app().test_client(), {"text": TEXT}).json["message"]
    assert "stored and queued. The model service is unavailable" in message


def test_the_response_promises_no_batch_that_nothing_would_request(make_app: MakeApp, settings: Settings) -> None:
    with reported(settings, "bridge", "worker"):
        message = post(make_app(kafka_mode=False).test_client(), {"text": TEXT}).json["message"]
    assert "No beat is running" in message


def test_a_thought_is_accepted_while_redis_is_unavailable(make_app: MakeApp, count_rows: CountRows) -> None:
    response = post(make_app(redis_url="redis://127.0.0.1:9/0").test_client(), {"text": TEXT})
    assert response.status_code == 201
    assert count_rows("outbox") == 1
