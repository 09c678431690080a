"""How close the whole path comes to Celery alone: five-step chains a second, both sides in turn in one run.

The whole path: a thought's row, outbox, relay, Kafka, bridge, five claimed and saved steps, progress to Redis. Celery
alone: a five-step chain of tasks that do nothing but wait. Same machine, same Redis, one worker of the same size each.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import redis
from celery import chain
from sqlalchemy import text

from bench.stack import Addresses
from contracts.accept import accept
from contracts.database import Database, make_engine
from contracts.events import thought_created
from contracts.queues import TOTAL_STEPS
from contracts.settings import Settings, load_settings

LONGEST_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be worked: thoughts of so many users, each agent waiting so long."""

    thoughts: int
    users: int
    delay_ms: int
    concurrency: int


def compare(addresses: Addresses, load: Load, rounds: int) -> None:
    """Run both sides `rounds` times in turn and print every figure, and the median ratio with its spread."""
    os.environ.update(addresses.environment(load.delay_ms))
    settings = load_settings()
    ratios = []
    print(f"{load.thoughts} chains of {TOTAL_STEPS} steps, {load.users} users, {load.delay_ms} ms a step")
    for number in range(1, rounds + 1):
        bare, whole = _bare(settings, load), _whole(settings, load)
        ratios.append(whole / bare)
        print(f"round {number}: Celery alone {bare:6.1f}/s   whole path {whole:6.1f}/s   ratio {whole / bare:.2f}")
    print(f"ratio: median {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}")


def _whole(settings: Settings, load: Load) -> float:
    """Thoughts a second, from the first one taken to the last one ended, by PostgreSQL's clock."""
    database = Database(make_engine(settings.database_url, "bench"))
    users = [uuid4() for _ in range(load.users)]
    database.rows(text("INSERT INTO users (id) SELECT unnest(CAST(:users AS uuid[]))"), users=users)
    for number in range(load.thoughts):
        user, thought = users[number % load.users], uuid4()
        event = thought_created(user, thought, "Measured").to_bytes()
        accept(
            database,
            thought_id=thought,
            user_id=user,
            text="Measured",
            event=event,
            topic=settings.kafka_topic,
            emit=True,
        )
    ended = text("""
        SELECT count(*) FILTER (WHERE status = 'completed') AS done,
               EXTRACT(epoch FROM max(finished_at) - min(started_at))::float8 AS seconds
          FROM thoughts WHERE user_id = ANY (CAST(:users AS uuid[]))
    """)
    _until(lambda: bool(database.rows(ended, users=users)[0].done == load.thoughts))
    seconds: float = database.rows(ended, users=users)[0].seconds
    database.engine.dispose()
    return load.thoughts / seconds


def _bare(settings: Settings, load: Load) -> float:
    """Chains a second of Celery alone, from the first `chain.apply_async` to the end of the last chain."""
    from bench.bare import ENDED_KEY, app, bare_step  # it reads the settings when it is imported

    client = redis.Redis.from_url(settings.redis_url)
    client.delete(ENDED_KEY)
    with _bare_worker(load.concurrency):
        _until(lambda: bool(app.control.ping(timeout=1)))
        began = time.monotonic()
        for _ in range(load.thoughts):
            chain(*(bare_step.si(number) for number in range(1, TOTAL_STEPS + 1))).apply_async()
        _until(lambda: int(client.get(ENDED_KEY) or 0) == load.thoughts)
        return load.thoughts / (time.monotonic() - began)


@contextmanager
def _bare_worker(concurrency: int) -> Iterator[None]:
    command = [sys.executable, "-m", "celery", "-A", "bench.bare", "worker", "--pool", "threads"]
    command += ["--concurrency", str(concurrency), "--queues", "bare", "-E", "--without-gossip", "--without-mingle"]
    command += ["--loglevel", "ERROR"]
    worker = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(60)


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"The measurement did not end within {LONGEST_SECONDS:g} s.")
        time.sleep(0.02)
