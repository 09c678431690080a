"""Tests the messages that the dispatcher puts into Redis, and that a Celery worker runs their chains to the end."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from celery import Celery

from agents.catalogue import CATALOGUE
from bridge.consumer.dispatch import BATCH_SIZE, Dispatcher, _signature
from contracts.queues import SOLO_QUEUE, THOUGHTS_QUEUE, step_priority
from contracts.settings import Settings
from contracts.source_headers import capture_source
from tests.bridge.lane_examples import make_head
from tests.eventually import eventually
from tests.stores import ROOT
from tests.tasks.worker_processes import stored_keys

NAMES = [f"tasks.{step}" for step in CATALOGUE.names]


@pytest.fixture(scope="module")
def database_url() -> str:
    return "postgresql://nobody@127.0.0.1:9/none"  # these tests need no PostgreSQL


@pytest.fixture
def dispatcher(settings: Settings) -> Dispatcher:
    return Dispatcher(settings)


def queued_messages(client: redis.Redis, queue: str = THOUGHTS_QUEUE) -> list[dict[str, Any]]:
    """Return the messages in a queue in the order of their delivery."""
    return [json.loads(raw) for key in stored_keys(client, queue) for raw in reversed(client.lrange(key, 0, -1))]


def decode_body(message: dict[str, Any]) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    """Return the arguments, the keyword arguments, and Celery's options with the rest of the chain."""
    args, kwargs, options = json.loads(base64.b64decode(message["body"]))
    return args, kwargs, options


def test_a_chain_is_one_message_that_holds_the_later_steps_in_celerys_order(
    dispatcher: Dispatcher, redis_client: redis.Redis
) -> None:
    head = make_head(thought_id=uuid4(), dispatch_id=7)
    dispatcher.send([head])
    (message,) = queued_messages(redis_client)
    args, kwargs, options = decode_body(message)
    assert (message["headers"]["task"], args, kwargs) == (NAMES[0], [str(head.thought_id), 7], {})
    rest = list(reversed(options["chain"]))  # Celery pops the next step from the end
    assert [step["task"] for step in rest] == NAMES[1:]
    assert [step["args"] for step in rest] == [[str(head.thought_id), 7]] * 4
    assert all(step["immutable"] and step["options"]["queue"] == THOUGHTS_QUEUE for step in rest)
    assert {step["options"]["root_id"] for step in rest} == {message["headers"]["id"]}


def test_a_later_step_is_serialised_as_celery_serialises_it() -> None:
    arguments, options = ("a thought", 1), {"task_id": "an id", "queue": THOUGHTS_QUEUE}
    signature = _signature(3, arguments, options)
    celerys_signature = Celery("any").signature(NAMES[2], args=arguments, options=options, immutable=True)
    assert signature == dict(celerys_signature)


@pytest.mark.parametrize("steps_done", range(5))
def test_a_chain_starts_at_the_first_missing_step(
    dispatcher: Dispatcher, redis_client: redis.Redis, steps_done: int
) -> None:
    dispatcher.send([make_head(steps_done=steps_done)])
    (message,) = queued_messages(redis_client)
    rest = [step["task"] for step in reversed(decode_body(message)[2]["chain"] or [])]
    assert [message["headers"]["task"], *rest] == NAMES[steps_done:]


def test_only_the_step_in_which_a_worker_died_goes_to_the_queue_solo(
    dispatcher: Dispatcher, redis_client: redis.Redis
) -> None:
    dispatcher.send([make_head(losses=1, steps_done=2)])
    assert queued_messages(redis_client) == []
    (message,) = queued_messages(redis_client, SOLO_QUEUE)
    assert {step["options"]["queue"] for step in decode_body(message)[2]["chain"]} == {THOUGHTS_QUEUE}


def task_ids(message: dict[str, Any]) -> list[str]:
    return [message["headers"]["id"], *(step["options"]["task_id"] for step in decode_body(message)[2]["chain"])]


def test_a_repeated_send_has_the_same_task_ids_and_the_next_send_has_others(
    dispatcher: Dispatcher, redis_client: redis.Redis, settings: Settings
) -> None:
    thought = uuid4()
    dispatcher.send([make_head(thought_id=thought)])
    Dispatcher(settings).send([make_head(thought_id=thought)])
    dispatcher.send([make_head(thought_id=thought, sends=2)])
    dispatcher.send([make_head(thought_id=thought, dispatch_id=2)])
    dispatcher.send([make_head(thought_id=uuid4())])
    first, repeated, *others = [task_ids(message) for message in queued_messages(redis_client)]
    assert first == repeated
    assert len(set(first)) == 5
    assert len({task_id for chain in (first, *others) for task_id in chain}) == 20


def test_every_step_of_an_external_producers_thought_carries_its_tracing_headers(
    dispatcher: Dispatcher, redis_client: redis.Redis
) -> None:
    tracing = capture_source(None, [("traceparent", b"00-aa"), ("Baggage", b"b=\xff"), ("x", b"secret")])["tracing"]
    dispatcher.send([make_head(tracing=tracing), make_head()])
    external, own = queued_messages(redis_client)
    expected = {"traceparent": "00-aa", "baggage": "b=\ufffd"}
    assert expected.items() <= external["headers"].items()
    assert [step["options"]["headers"] for step in decode_body(external)[2]["chain"]] == [expected] * 4
    assert not expected.keys() & own["headers"].keys()
    assert all("headers" not in step["options"] for step in decode_body(own)[2]["chain"])
    assert "secret" not in json.dumps(external)


def test_a_message_holds_no_user_id(dispatcher: Dispatcher, redis_client: redis.Redis) -> None:
    user = uuid4()
    dispatcher.send([make_head(user)])
    (message,) = queued_messages(redis_client)
    assert str(user) not in json.dumps(message) + json.dumps(decode_body(message))


@pytest.mark.parametrize("number", [0, 1, BATCH_SIZE, BATCH_SIZE + 1])
def test_a_batch_of_any_size_arrives_complete_and_in_order(
    dispatcher: Dispatcher, redis_client: redis.Redis, number: int
) -> None:
    thoughts = [uuid4() for _ in range(number)]
    dispatcher.send([make_head(thought_id=thought) for thought in thoughts])
    assert [UUID(decode_body(message)[0][0]) for message in queued_messages(redis_client)] == thoughts


def test_a_message_is_persistent_and_shows_only_the_thought_id(
    dispatcher: Dispatcher, redis_client: redis.Redis
) -> None:
    head = make_head()
    dispatcher.send([head])
    (message,) = queued_messages(redis_client)
    assert (message["properties"]["delivery_mode"], message["headers"]["ignore_result"]) == (2, True)
    assert (message["headers"]["argsrepr"], message["headers"]["kwargsrepr"]) == (str(head.thought_id), "")
    assert message["properties"]["priority"] == step_priority(1, CATALOGUE.total)


RECORDER = """
import os, redis
from celery import Celery
from agents.catalogue import CATALOGUE
from contracts.queues import broker_settings, task_name
from kombu import Queue
app = Celery("recorder")
queues = [Queue(name, routing_key=name) for name in ("thoughts", "solo")]
app.conf.update(broker_settings(os.environ["BROKER"], os.environ["PREFIX"]))
app.conf.update(task_queues=queues, worker_hijack_root_logger=False)
seen = redis.Redis.from_url(os.environ["BROKER"])
def register(name):
    def step(task, thought, token):
        if os.environ.get("FLUSH"):
            seen.flushdb()
        with open(os.environ["LOG"], "a") as log:
            trace = (task.request.headers or {}).get("traceparent")
            log.write(f"{task.name} {thought} {token} {trace} {task.request.id}\\n")
    app.task(step, name=task_name(name), bind=True)
for name in CATALOGUE.names:
    register(name)
quiet = ["--without-gossip", "--without-mingle", "--loglevel", "error"]
app.worker_main(["worker", "--pool", "solo", "--queues", "thoughts,solo", *quiet])
"""


@contextmanager
def recording_worker(settings: Settings, log: Any, **environment: str) -> Iterator[None]:
    """Run a Celery worker whose tasks only append a line to `log`."""
    variables = (
        os.environ | {"BROKER": settings.broker_url, "PREFIX": settings.redis_prefix, "LOG": str(log)} | environment
    )
    process = subprocess.Popen([sys.executable, "-c", RECORDER], cwd=ROOT, env=variables)
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("environment", [{}, {"FLUSH": "1"}], ids=["normal", "every step empties Redis"])
def test_celerys_worker_runs_a_chain_to_its_end(
    dispatcher: Dispatcher, settings: Settings, tmp_path: Any, environment: dict[str, str]
) -> None:
    log = tmp_path / "ran"
    log.touch()
    tracing = capture_source(None, [("traceparent", b"00-aa")])["tracing"]
    heads = [
        make_head(thought_id=uuid4(), dispatch_id=3, tracing=tracing),
        make_head(thought_id=uuid4(), steps_done=3, losses=1),
    ]
    expected = {str(heads[0].thought_id): NAMES, str(heads[1].thought_id): NAMES[3:]}
    if environment:
        heads, expected = heads[:1], {str(heads[0].thought_id): NAMES}
    with recording_worker(settings, log, **environment):
        dispatcher.send(heads)
        expected_runs = sum(len(names) for names in expected.values())
        eventually(lambda: len(log.read_text().splitlines()) >= expected_runs, timeout=30)
    runs = [line.split() for line in log.read_text().splitlines()]
    for thought, names in expected.items():
        assert [task for task, thought_id, *_ in runs if thought_id == thought] == names
    assert {(thought_id, token, trace) for _, thought_id, token, trace, _ in runs} == {
        (str(head.thought_id), str(head.dispatch_id), "00-aa" if head.tracing else "None") for head in heads
    }
