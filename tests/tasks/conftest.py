"""One database for all tests of the worker's side, who look at nothing but their own thoughts, and parts over it."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import redis

from agents.interface import Provider
from contracts.database import Database, make_engine
from contracts.progress import ProgressPublisher, connect_redis
from contracts.settings import Settings
from tasks.calls import Calls
from tasks.step import StepOutcome, StepRunner
from tasks.step_store import Step, StepStore
from tests.stores import Stores, a_database
from tests.tasks.thoughts import a_step
from tests.tcp_proxy import TcpProxy, proxy_before

MakeRunner = Callable[..., StepRunner]
InThread = Callable[[StepRunner, Step], "Future[StepOutcome]"]


@pytest.fixture(scope="package")
def tasks_database_url(stores: Stores, template: str) -> Iterator[str]:
    with a_database(stores, template) as url:
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
    return a_step(database, settings)


@pytest.fixture
def postgres_proxy(settings: Settings) -> Iterator[TcpProxy]:
    """A postgres_proxy before PostgreSQL."""
    with proxy_before(settings.database_url) as postgres_proxy:
        yield postgres_proxy


@pytest.fixture
def proxied_step_store(postgres_proxy: TcpProxy, settings: Settings) -> Iterator[StepStore]:
    """A step_store whose PostgreSQL is behind the postgres_proxy."""
    engine = make_engine(
        postgres_proxy.url(settings.database_url), "worker", statement_seconds=settings.lease_renew_seconds
    )
    yield StepStore(Database(engine), settings)
    engine.dispose()


@pytest.fixture
def make_runner(step_store: StepStore, settings: Settings, redis_client: redis.Redis) -> MakeRunner:
    """A runner of steps with the provider given; anything else may be given, too."""

    def make(provider: Provider, **others: Any) -> StepRunner:
        publisher = ProgressPublisher(connect_redis(settings.redis_url), settings.redis_sse_prefix)
        parts: dict[str, Any] = {
            "step_store": step_store,
            "provider": provider,
            "publisher": publisher,
            "settings": settings,
        } | others
        return StepRunner(calls=Calls(parts["step_store"].renew, settings.lease_renew_seconds), **parts)

    return make


@pytest.fixture
def in_thread(postgres_proxy: TcpProxy) -> Iterator[InThread]:
    """Runs a step beside the test. At the end PostgreSQL is back, since no step ends without it."""
    with ThreadPoolExecutor(2) as pool:
        yield lambda runner, step: pool.submit(runner.run, step)
        postgres_proxy.accept()
        postgres_proxy.resume()
