"""Fixtures for the worker's tests: one database for the package, step stores, and step runners.

The tests share the database, because each of them reads only its own thoughts.
"""

import queue
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import redis

from agents.embedding.embedder import Embedder, embedder
from agents.interface import Provider
from contracts.database import Database, make_engine
from contracts.progress import ProgressPublisher, connect_redis
from contracts.settings import Settings
from tasks.calls import Calls
from tasks.memory.memory import Memory
from tasks.memory.memory_store import MemoryStore
from tasks.step import StepRunner
from tasks.step_outcomes import StepOutcome
from tasks.step_store import Step, StepStore
from tests.stores import Stores, temporary_database
from tests.tasks.admission.gates import make_gate
from tests.tasks.partial_texts import received_texts
from tests.tasks.thoughts import dispatch_first_step
from tests.tcp_proxy import TcpProxy, proxy_for

MakeRunner = Callable[..., StepRunner]
FindEmbedder = Callable[[], Embedder | None]
MakeMemory = Callable[..., Memory]
RunInThread = Callable[[StepRunner, Step], "Future[StepOutcome]"]


@pytest.fixture(scope="package")
def tasks_database_url(stores: Stores, template: str) -> Iterator[str]:
    with temporary_database(stores, template) as url:
        yield url


@pytest.fixture
def database_url(tasks_database_url: str) -> str:
    return tasks_database_url


@pytest.fixture
def step_store(database: Database, settings: Settings) -> StepStore:
    return StepStore(database, settings)


@pytest.fixture
def step(database: Database, settings: Settings) -> Step:
    """The first step of a thought that a bridge has just dispatched."""
    return dispatch_first_step(database, settings)


@pytest.fixture
def postgres_proxy(settings: Settings) -> Iterator[TcpProxy]:
    """A TCP proxy for PostgreSQL."""
    with proxy_for(settings.database_url) as postgres_proxy:
        yield postgres_proxy


@pytest.fixture
def proxied_step_store(postgres_proxy: TcpProxy, settings: Settings) -> Iterator[StepStore]:
    """A step store that connects to PostgreSQL through the proxy."""
    engine = make_engine(
        postgres_proxy.proxied_url(settings.database_url), "worker", statement_seconds=settings.lease_renew_seconds
    )
    yield StepStore(Database(engine), settings)
    engine.dispose()


@pytest.fixture
def make_runner(step_store: StepStore, settings: Settings, redis_client: redis.Redis) -> MakeRunner:
    """Returns a function that makes a step runner with a provider; keyword arguments replace its other parts."""

    def make(provider: Provider, **replacements: Any) -> StepRunner:
        publisher = ProgressPublisher(connect_redis(settings.redis_url), settings.redis_prefix)
        parts: dict[str, Any] = {
            "step_store": step_store,
            "provider": provider,
            "publisher": publisher,
            "settings": settings,
            "gate": make_gate(provider, settings),
        } | replacements
        return StepRunner(calls=Calls(parts["step_store"].renew, settings.lease_renew_seconds), **parts)

    return make


@pytest.fixture
def make_memory(database: Database) -> MakeMemory:
    """Returns a function that makes the memory of a provider's worker, with the real model unless another is given."""

    def make(provider: Provider, find_embedder: FindEmbedder = embedder) -> Memory:
        return Memory(MemoryStore(database), provider, find_embedder)

    return make


@pytest.fixture
def received(redis_client: redis.Redis, settings: Settings) -> Iterator["queue.Queue[str]"]:
    """The partial texts that arrive at the channels of this test's users."""
    with received_texts(redis_client, settings) as texts:
        yield texts


@pytest.fixture
def run_in_thread(postgres_proxy: TcpProxy) -> Iterator[RunInThread]:
    """Runs a step in a thread. Restores PostgreSQL at the end, because no step ends without it."""
    with ThreadPoolExecutor(2) as pool:
        yield lambda runner, step: pool.submit(runner.run, step)
        postgres_proxy.accept()
        postgres_proxy.resume()
