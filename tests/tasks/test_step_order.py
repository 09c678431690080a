"""Tests that a worker with more messages than slots finishes what has begun: later steps are delivered first."""

from pathlib import Path
from typing import Any

import pytest
import redis

from agents.catalogue import CATALOGUE
from contracts.database import Database
from contracts.queues import PRIORITIES, THOUGHTS_QUEUE, queue_keys, step_priority, task_name
from contracts.settings import Settings
from tasks.application import create_app
from tests.eventually import eventually
from tests.tasks.thoughts import accept_thought, dispatch_head, thought_row
from tests.tasks.worker_processes import call_log_lines, dispatch, running_worker


@pytest.fixture
def overrides(tmp_path: Path) -> dict[str, Any]:
    return {"scripted_call_log": str(tmp_path / "calls")}


def test_a_worker_with_one_slot_finishes_a_thought_before_it_begins_the_next_one(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    heads = [dispatch_head(database, accept_thought(database, settings)) for _ in range(4)]
    dispatch(settings, heads)
    with running_worker(settings, tmp_path, concurrency=1):
        eventually(lambda: all(thought_row(database, head.thought_id).finished_at for head in heads))
    called = [(line["thought_id"], line["agent"]) for line in call_log_lines(settings)]
    assert called == [(str(head.thought_id), name) for head in heads for name in CATALOGUE.names]


def test_a_worker_sends_each_step_with_its_priority_although_celery_replaces_that_of_the_chain(
    settings: Settings,
) -> None:
    router = create_app(settings).amqp.router
    as_celery_sends_the_next_step = {"queue": THOUGHTS_QUEUE, "priority": None}
    routes = [router.route(dict(as_celery_sends_the_next_step), task_name(name)) for name in CATALOGUE.names]
    assert [route["priority"] for route in routes] == [4, 3, 2, 1, 0]


def test_messages_of_earlier_versions_without_a_priority_are_delivered_first(redis_client: redis.Redis) -> None:
    keys = queue_keys("a-prefix", "thoughts")
    for key in reversed(keys):
        redis_client.lpush(key, key)
    delivered: list[Any] = [redis_client.brpop(keys, timeout=1) for _ in keys]
    assert [key.decode() for key, _ in delivered] == keys
    assert keys[0] == "a-prefix:thoughts"


@pytest.mark.parametrize("steps", [1, 5, 10, 14])
def test_a_later_step_never_has_a_worse_priority(steps: int) -> None:
    priorities = [step_priority(step, steps) for step in range(1, steps + 1)]
    assert priorities == sorted(priorities, reverse=True)
    assert priorities[-1] == 0
    assert max(priorities) < PRIORITIES
