"""The two sides of the ratio, driven alike: work is queued and held back, let go at once, and counted as it ends."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from uuid import UUID, uuid4

import redis
from celery import Celery, chain
from sqlalchemy import text

from agents.catalogue import CATALOGUE
from bench.processor import Processes
from bench.stack import RunningStack
from bench.waiting import until
from contracts.accept import ACCEPT, accept_parameters
from contracts.database import Database, make_engine
from contracts.events import thought_created
from contracts.settings import Settings

TEXT = "Should I learn to play the cello this winter?"


class Side(Protocol):
    """`processes` are those that do the work between the queue and the last chain's end."""

    name: str
    processes: Processes

    def hold(self, chains: int) -> None:
        """Queue so many chains where no process of this side sees them yet."""

    def release(self) -> None:
        """Show all of them at once."""

    def ended(self) -> int:
        """How many of them have ended."""


class WholePath:
    """A thought's row and outbox row, relay, Kafka, bridge, five claimed and saved steps, progress to Redis.

    All thoughts of a round are accepted in one transaction: its commit shows them to the relay.
    """

    name = "whole path"

    def __init__(self, settings: Settings, stack: RunningStack, users: int) -> None:
        self.processes = stack.processes
        self._settings = settings
        self._users = users
        self._engine = make_engine(settings.database_url, "bench")
        self._database = Database(self._engine)
        self._transaction = self._engine.execution_options(isolation_level="READ COMMITTED").connect()
        self._round: list[UUID] = []

    def hold(self, chains: int) -> None:
        self._round = [uuid4() for _ in range(min(self._users, chains))]
        insert = text("INSERT INTO users (id) SELECT unnest(CAST(:users AS uuid[]))")
        self._transaction.execute(insert, {"users": self._round})
        for number in range(chains):
            user, thought = self._round[number % len(self._round)], uuid4()
            event = thought_created(user, thought, TEXT).to_bytes()
            asked = accept_parameters(thought, user, TEXT, event, self._settings.kafka_topic, emit=True)
            self._transaction.execute(ACCEPT, asked)

    def release(self) -> None:
        self._transaction.commit()

    def ended(self) -> int:
        count = text("""
            SELECT count(*) AS ended FROM thoughts
             WHERE status = 'completed' AND user_id = ANY (CAST(:users AS uuid[]))
        """)
        return int(self._database.rows(count, users=self._round)[0].ended)


class CeleryAlone:
    """Five-step chains of tasks that only wait, made with `chain`; one worker with the same pool as the project's.

    `kind` names an application of bench.bare, which reads the settings when it is imported.
    """

    def __init__(self, name: str, kind: str, settings: Settings, stack: RunningStack, worker: int) -> None:
        from bench import bare

        self.name = name
        self.processes: Processes = {"bare worker": [worker], "redis": stack.processes["redis"]}
        self._app: Celery = getattr(bare, kind)
        self._queue, self._held_queue = bare.queue(self._app), bare.held_queue(self._app)
        self._ended_key = bare.ended_key(self._app)
        self._client = redis.Redis.from_url(settings.redis_url)

    def hold(self, chains: int) -> None:
        self._client.delete(self._ended_key)
        step = self._app.tasks["step"]
        for _ in range(chains):
            first = step.si(1).set(queue=self._held_queue)
            chain(first, *(step.si(number) for number in range(2, CATALOGUE.total + 1)), app=self._app).apply_async()

    def release(self) -> None:
        self._client.rename(self._held_queue, self._queue)

    def ended(self) -> int:
        return int(self._client.get(self._ended_key) or 0)


@contextmanager
def bare_worker(kind: str, concurrency: int) -> Iterator[int]:
    """The worker of Celery alone, ready; its process id. It reads the settings from this process's environment."""
    from bench import bare

    app: Celery = getattr(bare, kind)
    command = [sys.executable, "-m", "celery", "-A", f"bench.bare:{kind}", "worker", "--pool", "threads", "-E"]
    command += ["--queues", bare.queue(app), "--hostname", f"{kind}@%h", "--concurrency", str(concurrency)]
    command += ["--without-gossip", "--without-mingle", "--loglevel", "ERROR"]
    worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: any(answer.startswith(f"{kind}@") for one in app.control.ping(timeout=1) for answer in one))
        yield worker.pid
    finally:
        worker.terminate()
        worker.wait(60)
