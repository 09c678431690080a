"""The messages that the bridge puts into Redis, and that Celery's own workers run a chain of them to its end."""

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
from contracts.queues import SOLO_QUEUE, THOUGHTS_QUEUE
from contracts.settings import Settings
from contracts.source_headers import capture_source
from tests.bridge.lane_examples import a_head
from tests.eventually import eventually
from tests.stores import ROOT

NAMES = [f"tasks.{step}" for step in CATALOGUE.names]


@pytest.fixture(scope="module")
def database_url() -> str:
    return "postgresql://nobody@127.0.0.1:9/none"  # nothing here asks PostgreSQL


@pytest.fixture
def dispatcher(settings: Settings) -> Dispatcher:
    return Dispatcher(settings)


def messages(client: redis.Redis, queue: str = THOUGHTS_QUEUE) -> list[dict[str, Any]]:
    """What waits in a queue, the oldest first."""
    return [json.loads(raw) for raw in reversed(client.lrange(queue, 0, -1))]


def body(message: dict[str, Any]) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    """Arguments, keyword arguments, and Celery's options with the rest of the chain."""
    args, kwargs, options = json.loads(base64.b64decode(message["body"]))
    return args, kwargs, options


def test_a_chain_is_one_message_with_its_rest_in_the_order_in_which_celery_takes_it(
    dispatcher: Dispatcher, redis_client: redis.Redis
) -> None:
    head = a_head(thought_id=uuid4(), dispatch_id=7)
    dispatcher.send([head])
    (message,) = messages(redis_client)
    args, kwargs, options = body(message)
    assert (message["headers"]["task"], args, kwargs) == (NAMES[0], [str(head.thought_id), 7], {})
    rest = list(reversed(options["chain"]))  # Celery pops the next step from the end
    assert [step["task"] for step in rest] == NAMES[1:]
    assert [step["args"] for step in rest] == [[str(head.thought_id), 7]] * 4
    assert all(step["immutable"] and step["options"]["queue"] == THOUGHTS_QUEUE for step in rest)
    assert {step["options"]["root_id"] for step in rest} == {message["headers"]["id"]}


def test_a_later_step_is_written_as_celery_itself_would_write_it() -> None:
    arguments, options = ("a thought", 1), {"task_id": "an id", "queue": THOUGHTS_QUEUE}
    ours = _signature(3, arguments, options)
    celerys = Celery("any").signature(NAMES[2], args=arguments, options=options, immutable=True)
    assert ours == dict(celerys)


@pytest.mark.parametrize("done", range(5))
def test_a_chain_begins_at_the_first_step_that_is_missing(
    dispatcher: Dispatcher, redis_client: redis.Redis, done: int
) -> None:
    dispatcher.send([a_head(steps_done=done)])
    (message,) = messages(redis_client)
    rest = [step["task"] for step in reversed(body(message)[2]["chain"] or [])]
    assert [message["headers"]["task"], *rest] == NAMES[done:]


def test_the_step_in_which_a_worker_died_goes_to_the_queue_solo_and_the_next_ones_do_not(
    dispatcher: Dispatcher, redis_client: redis.Redis
) -> None:
    dispatcher.send([a_head(losses=1, steps_done=2)])
    assert messages(redis_client) == []
    (message,) = messages(redis_client, SOLO_QUEUE)
    assert {step["options"]["queue"] for step in body(message)[2]["chain"]} == {THOUGHTS_QUEUE}


def ids(message: dict[str, Any]) -> list[str]:
    return [message["headers"]["id"], *(step["options"]["task_id"] for step in body(message)[2]["chain"])]


def test_a_repeat_carries_the_same_ids_and_the_next_sending_others(
    dispatcher: Dispatcher, redis_client: redis.Redis, settings: Settings
) -> None:
    thought = uuid4()
    dispatcher.send([a_head(thought_id=thought)])
    Dispatcher(settings).send([a_head(thought_id=thought)])
    dispatcher.send([a_head(thought_id=thought, sends=2)])
    dispatcher.send([a_head(thought_id=thought, dispatch_id=2)])
    dispatcher.send([a_head(thought_id=uuid4())])
    first, repeated, *others = [ids(message) for message in messages(redis_client)]
    assert first == repeated
    assert len(set(first)) == 5
    assert len({one for found in (first, *others) for one in found}) == 20


def test_every_step_of_a_foreign_thought_carries_its_traces_and_ours_carry_none(
    dispatcher: Dispatcher, redis_client: redis.Redis
) -> None:
    traced = capture_source(None, [("traceparent", b"00-aa"), ("Baggage", b"b=\xff"), ("x", b"secret")])["tracing"]
    dispatcher.send([a_head(tracing=traced), a_head()])
    theirs, ours = messages(redis_client)
    expected = {"traceparent": "00-aa", "baggage": "b=\ufffd"}
    assert expected.items() <= theirs["headers"].items()
    assert [step["options"]["headers"] for step in body(theirs)[2]["chain"]] == [expected] * 4
    assert not expected.keys() & ours["headers"].keys()
    assert all("headers" not in step["options"] for step in body(ours)[2]["chain"])
    assert "secret" not in json.dumps(theirs)


def test_no_text_and_no_user_is_in_a_message(dispatcher: Dispatcher, redis_client: redis.Redis) -> None:
    user = uuid4()
    dispatcher.send([a_head(user)])
    (message,) = messages(redis_client)
    assert str(user) not in json.dumps(message) + json.dumps(body(message))


@pytest.mark.parametrize("number", [0, 1, BATCH_SIZE, BATCH_SIZE + 1])
def test_a_batch_of_any_size_arrives_whole_and_in_order(
    dispatcher: Dispatcher, redis_client: redis.Redis, number: int
) -> None:
    thoughts = [uuid4() for _ in range(number)]
    dispatcher.send([a_head(thought_id=thought) for thought in thoughts])
    assert [UUID(body(message)[0][0]) for message in messages(redis_client)] == thoughts


def test_messages_last_and_tell_nothing_but_the_thought(dispatcher: Dispatcher, redis_client: redis.Redis) -> None:
    head = a_head()
    dispatcher.send([head])
    (message,) = messages(redis_client)
    assert (message["properties"]["delivery_mode"], message["headers"]["ignore_result"]) == (2, True)
    assert (message["headers"]["argsrepr"], message["headers"]["kwargsrepr"]) == (str(head.thought_id), "")
    assert message["properties"]["priority"] == 0


RECORDER = """
import os, redis
from celery import Celery
from agents.catalogue import CATALOGUE
from contracts.queues import broker_settings, task_name
from kombu import Queue
app = Celery("recorder")
queues = [Queue(name, routing_key=name) for name in ("thoughts", "solo")]
app.conf.update(broker_settings(os.environ["BROKER"]), task_queues=queues, worker_hijack_root_logger=False)
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
    """A Celery worker whose tasks only write down that they ran."""
    variables = os.environ | {"BROKER": settings.broker_url, "LOG": str(log)} | environment
    process = subprocess.Popen([sys.executable, "-c", RECORDER], cwd=ROOT, env=variables)
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("environment", [{}, {"FLUSH": "1"}], ids=["as it is", "Redis emptied in every step"])
def test_celerys_worker_runs_a_chain_to_its_end(
    dispatcher: Dispatcher, settings: Settings, tmp_path: Any, environment: dict[str, str]
) -> None:
    log = tmp_path / "ran"
    log.touch()
    traced = capture_source(None, [("traceparent", b"00-aa")])["tracing"]
    heads = [
        a_head(thought_id=uuid4(), dispatch_id=3, tracing=traced),
        a_head(thought_id=uuid4(), steps_done=3, losses=1),
    ]
    expected = {str(heads[0].thought_id): NAMES, str(heads[1].thought_id): NAMES[3:]}
    if environment:
        heads, expected = heads[:1], {str(heads[0].thought_id): NAMES}
    with recording_worker(settings, log, **environment):
        dispatcher.send(heads)
        wanted = sum(len(names) for names in expected.values())
        eventually(lambda: len(log.read_text().splitlines()) >= wanted, timeout=30)
    ran = [line.split() for line in log.read_text().splitlines()]
    for thought, names in expected.items():
        assert [task for task, whose, *_ in ran if whose == thought] == names
    assert {(whose, token, trace) for _, whose, token, trace, _ in ran} == {
        (str(one.thought_id), str(one.dispatch_id), "00-aa" if one.tracing else "None") for one in heads
    }
