"""The metrics of the model services, and of the thoughts that wait for them."""

from uuid import uuid4

import redis
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from contracts.model_state import ModelState
from contracts.settings import Settings
from tests.webapp.conftest import MakeApp
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.health_checks import UNREACHABLE
from tests.webapp.http_client import submit
from tests.webapp.metrics.scraping import scrape
from tests.webapp.model_states import REFUSED, store_states


def test_each_model_has_its_availability_calls_and_limit(
    client: FlaskClient, settings: Settings, redis_client: redis.Redis
) -> None:
    store_states(redis_client, settings, {"openai:gpt": REFUSED, "ollama:small": ModelState()})
    metrics = scrape(client)
    assert metrics['thoughts_model_available{model="openai:gpt"}'] == 0
    assert metrics['thoughts_model_available{model="ollama:small"}'] == 1
    assert metrics['thoughts_model_calls{model="openai:gpt"}'] == 2
    assert metrics['thoughts_model_call_limit{model="openai:gpt"}'] == 4


def test_the_thoughts_that_wait_for_a_model_are_counted_by_the_reason(
    client: FlaskClient, worker: FakeWorker, database: Database
) -> None:
    for kind in ("outage", "outage", "limit"):
        thought = submit(client, user=uuid4())
        worker.dispatch(thought)
        waiting = text("UPDATE thoughts SET waiting = jsonb_build_object('kind', CAST(:kind AS text)) WHERE id = :id")
        database.rows(text(f"{waiting.text} RETURNING id"), kind=kind, id=thought)
    metrics = scrape(client)
    assert metrics['thoughts_waiting_for_model{kind="outage"}'] == 2
    assert metrics['thoughts_waiting_for_model{kind="limit"}'] == 1


def test_without_redis_the_other_metrics_are_complete(make_app: MakeApp) -> None:
    metrics = scrape(make_app(redis_url=UNREACHABLE["redis_url"]).test_client())
    assert metrics["thoughts_database_up"] == 1
    assert not [name for name in metrics if name.startswith("thoughts_model_")]
