"""A worker refuses messages of another installation, and runs its own installation's with and without the header."""

import base64
import json
import logging
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from sqlalchemy import text

from agents.catalogue import CATALOGUE
from bridge.consumer.dispatch import Dispatcher
from contracts.database import Database
from contracts.foreign_items import INSTALLATION_HEADER
from contracts.installation import read_installation_id
from contracts.queues import THOUGHTS_QUEUE, queue_keys
from contracts.settings import Settings
from tasks.step_outcomes import Drop, Requeue
from tasks.step_store import Step
from tasks.worker import Worker
from tests.eventually import eventually
from tests.tasks.test_celery_worker import has_no_messages, new_head, terminal_status
from tests.tasks.thoughts import agent_run_rows, thought_row
from tests.tasks.worker_processes import call_log_lines, dispatch, running_worker

OTHER = str(uuid4())


@pytest.fixture
def overrides(tmp_path: Path) -> dict[str, Any]:
    return {"scripted_call_log": str(tmp_path / "calls"), "kafka_retry_backoff_ms": 40}


def test_a_message_of_another_installation_is_dropped_loudly_and_the_own_ones_run(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    """Every step names the sender: the first one, later ones, and one that Celery has sent again as a retry."""
    foreign, unsigned = new_head(database, settings), new_head(database, settings)
    own = new_head(database, settings, "[[fail:analysis:transient:1]]")
    with running_worker(settings, tmp_path) as worker:
        Dispatcher(settings, OTHER).send([foreign])
        dispatch(settings, [unsigned])
        Dispatcher(settings, read_installation_id(database)).send([own])
        for head in (unsigned, own):
            assert eventually(partial(terminal_status, database, head)) == "completed"
        eventually(lambda: has_no_messages(redis_client))
        assert "another installation sends messages to the queue of this one: 1 so far" in worker.log
        assert OTHER in worker.log
    assert [run.attempts for run in agent_run_rows(database, own.thought_id)] == [1, 2, 1, 1, 1]
    assert call_log_lines(settings, thought=str(foreign.thought_id)) == []
    row = thought_row(database, foreign.thought_id)
    assert (row.status, row.steps_done, row.attempts, row.losses) == ("processing", 0, 0, 0)


def test_a_change_of_the_installation_is_noticed_in_every_step_of_a_chain(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    """The first worker runs the first step as the sender's installation; the second one belongs to another."""
    head = new_head(database, settings, "[[delay:classification:1500]]")
    Dispatcher(settings, read_installation_id(database)).send([head])
    with running_worker(settings, tmp_path) as worker:
        eventually(lambda: call_log_lines(settings))
        worker.send_sigterm()
        worker.wait_for_exit()
    assert thought_row(database, head.thought_id).steps_done == 1
    database.rows(text("UPDATE installation SET id = gen_random_uuid() RETURNING id"))
    redis_client.delete(f"{settings.redis_prefix}:installation")
    with running_worker(settings, tmp_path) as worker:
        eventually(lambda: "another installation sends messages" in worker.log)
        eventually(lambda: has_no_messages(redis_client))
    assert thought_row(database, head.thought_id).steps_done == 1


def test_every_message_of_a_chain_names_the_installation(
    settings: Settings, database: Database, redis_client: redis.Redis
) -> None:
    Dispatcher(settings, OTHER).send([new_head(database, settings)])
    keys = queue_keys(settings.redis_prefix, THOUGHTS_QUEUE)
    (raw,) = [raw for key in keys for raw in redis_client.lrange(key, 0, -1)]
    message = json.loads(raw)
    assert message["headers"][INSTALLATION_HEADER] == OTHER
    _, _, options = json.loads(base64.b64decode(message["body"]))
    headers = [step["options"]["headers"] for step in options["chain"]]
    assert headers == [{INSTALLATION_HEADER: OTHER}] * (CATALOGUE.total - 1)


def test_a_message_waits_when_the_own_installation_is_unknown(settings: Settings) -> None:
    """PostgreSQL is unavailable, so the worker cannot know whether the message is foreign."""
    unreachable = settings.model_copy(update={"database_url": "postgresql+psycopg2://nobody@127.0.0.1:9/none"})
    assert isinstance(Worker(unreachable).run(Step.parse(str(uuid4()), 1, 1), OTHER), Requeue)


def test_many_foreign_messages_are_one_line(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    assert read_installation_id(database) != OTHER
    worker = Worker(settings)
    with caplog.at_level(logging.ERROR):
        outcomes = [worker.run(Step.parse(str(uuid4()), 1, 1), OTHER) for _ in range(20)]
    assert outcomes == [Drop("foreign")] * 20
    assert len(caplog.records) == 1
