"""The sides of the ratio. Each prepares the work of a round, releases it at once, and counts the chains that ended."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol
from uuid import UUID, uuid4

import redis
from celery import Celery
from sqlalchemy import text

from bench.processor import Processes
from bench.stack import RunningStack
from bench.waiting import wait_until
from contracts.accept import ACCEPT, accept_parameters
from contracts.database import Database, make_engine
from contracts.events import thought_created
from contracts.queues import key_prefix
from contracts.settings import Settings

TEXT = "Should I learn to play the cello this winter?"


class Side(Protocol):
    """One side of the comparison."""

    name: str
    processes: Processes
    """The processes that work between the release and the end of the last chain."""

    def hold(self, chains: int) -> None:
        """Prepare this many chains where no process of this side sees them yet."""

    def release(self) -> None:
        """Make all of them visible at once."""

    def ended(self) -> int:
        """Return how many of them have ended."""


class WholePath:
    """The whole path: a thought's row and outbox row, relay, Kafka, bridge, five steps, and progress through Redis.

    All thoughts of a round are accepted in one transaction; its commit makes them visible to the relay.
    """

    name = "whole path"

    def __init__(
        self, settings: Settings, stack: RunningStack, users: int, make_text: Callable[[int], str] = lambda _: TEXT
    ) -> None:
        """`make_text` returns the text of the thought with this number."""
        self.processes = stack.processes
        self._make_text = make_text
        self._settings = settings
        self._users = users
        self._engine = make_engine(settings.database_url, "bench")
        self._database = Database(self._engine)
        self._transaction = self._engine.execution_options(isolation_level="READ COMMITTED").connect()
        self.user_ids: list[UUID] = []

    def hold(self, chains: int) -> None:
        self.user_ids = [uuid4() for _ in range(min(self._users, chains))]
        insert = text("INSERT INTO users (id) SELECT unnest(CAST(:users AS uuid[]))")
        self._transaction.execute(insert, {"users": self.user_ids})
        for number in range(chains):
            user, thought, written = self.user_ids[number % len(self.user_ids)], uuid4(), self._make_text(number)
            event = thought_created(user, thought, written).to_bytes()
            parameters = accept_parameters(thought, user, written, event, self._settings.kafka_topic, emit=True)
            self._transaction.execute(ACCEPT, parameters)

    def release(self) -> None:
        self._transaction.commit()

    def ended(self) -> int:
        count = text("""
            SELECT count(*) AS ended FROM thoughts
             WHERE status = 'completed' AND user_id = ANY (CAST(:users AS uuid[]))
        """)
        return int(self._database.rows(count, users=self.user_ids)[0].ended)


class CeleryAlone:
    """Five-step chains of tasks that only wait, sent with `chain` to one worker with the same pool as the project's.

    `kind` is the name of an application in bench.bare, which reads the settings when it is imported.
    """

    def __init__(self, name: str, kind: str, settings: Settings, stack: RunningStack, worker: int) -> None:
        from bench import bare

        self.name = name
        self.processes: Processes = {"bare worker": [worker], "redis": stack.processes["redis"]}
        self._app: Celery = getattr(bare, kind)
        prefix = key_prefix(settings.redis_prefix)
        self._queue, self._held_queue = prefix + bare.queue(self._app), prefix + bare.held_queue(self._app)
        self._send_chain = bare.send_chain
        self._ended_key = bare.ended_key(self._app)
        self._client = redis.Redis.from_url(settings.redis_url)

    def hold(self, chains: int) -> None:
        self._client.delete(self._ended_key)
        for _ in range(chains):
            self._send_chain(self._app, str(uuid4()))

    def release(self) -> None:
        self._client.rename(self._held_queue, self._queue)

    def ended(self) -> int:
        return int(self._client.get(self._ended_key) or 0)


@contextmanager
def bare_worker(kind: str, concurrency: int) -> Iterator[int]:
    """Start the worker of a bench.bare application; yield its process id when it is ready, and stop it at the end.

    The worker reads its settings from this process's environment.
    """
    from bench import bare

    app: Celery = getattr(bare, kind)
    command = [sys.executable, "-m", "celery", "-A", f"bench.bare:{kind}", "worker", "--pool", "threads", "-E"]
    command += ["--queues", bare.queue(app), "--hostname", f"{kind}@%h", "--concurrency", str(concurrency)]
    command += ["--without-gossip", "--without-mingle", "--loglevel", "ERROR"]
    worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: any(name.startswith(f"{kind}@") for reply in app.control.ping(timeout=1) for name in reply))
        yield worker.pid
    finally:
        worker.terminate()
        worker.wait(60)
