"""The objects that the views of one process share: connection pool, clients and background threads."""

from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Final, cast

import redis
from flask import current_app
from redis import BlockingConnectionPool

from contracts.database import POOL_SIZE, Database, make_engine
from contracts.presence import ProcessReport, process_id
from contracts.progress import ProgressPublisher, connect_redis
from contracts.reporter import Reporter, make_reporter
from contracts.settings import Settings
from webapp.background_calls import BackgroundCalls
from webapp.background_publisher import BackgroundPublisher
from webapp.counter_pool import counter_pool
from webapp.hub.connection_limit import ConnectionLimiter
from webapp.hub.hub import Hub
from webapp.mailer import Mailer
from webapp.metrics.metrics import Metrics
from webapp.readiness.readiness import Readiness
from webapp.search_budget import SearchBudget

STATEMENT_TIMEOUT_SECONDS = 2.5
"""Limits a statement, so that pages and POSTs are answered within seconds even when PostgreSQL is unreachable."""

MAX_STREAMS_PER_USER = 20
"""Open streams of one user in one process: enough for a few browsers with six tabs each."""

MAX_WAITING: Final = 200
"""Requests of one process that may wait for an analysis (`Prefer: wait`): no limit of connections drops them."""

MAX_WAITING_PER_USER: Final = 10

STREAM_QUERY_SLOTS: Final = POOL_SIZE // 2
"""Streams that may query PostgreSQL at the same time: half of the pool, so that requests always find a connection."""


@dataclass(frozen=True)
class Services:
    """The shared objects of one process. Nothing connects before `start` or the first use."""

    settings: Settings
    database: Database
    redis: redis.Redis
    hub: Hub
    connection_limiter: ConnectionLimiter
    waiting_limiter: ConnectionLimiter
    stream_query_slots: BoundedSemaphore
    background_publisher: BackgroundPublisher
    background_writer: BackgroundCalls
    """Writes to PostgreSQL what no answer may wait for, because its time would show which addresses have accounts."""
    mailer: Mailer
    readiness: Readiness
    metrics: Metrics
    search_budget: SearchBudget
    counter_pool: BlockingConnectionPool
    """Connections of the limits, which wait less than others: `webapp.limits` counts each request."""
    reporter: Reporter

    def start(self) -> None:
        """Start the threads that should run before the first request. Calling it again is harmless."""
        self.hub.start()
        self.readiness.start()
        self.reporter.start()

    def end_streams(self) -> None:
        """End the open streams. Everything else still works, for the requests that have arrived."""
        self.hub.close()

    def close(self) -> None:
        """End the open streams and the background threads."""
        self.hub.close()
        self.readiness.close()
        self.background_publisher.close()
        self.background_writer.close()
        self.mailer.close()
        self.reporter.stop()
        self.counter_pool.disconnect()


def make_services(settings: Settings) -> Services:
    """Return the services of one process, not yet connected."""
    engine = make_engine(
        settings.database_url, "web", statement_seconds=STATEMENT_TIMEOUT_SECONDS, index_plans_only=True
    )
    database = Database(engine)
    client = connect_redis(settings.redis_url)
    report = ProcessReport("web", process_id())
    limiter = ConnectionLimiter(settings.sse_max_connections, MAX_STREAMS_PER_USER)
    return Services(
        settings=settings,
        database=database,
        redis=client,
        hub=Hub(connect_redis(settings.redis_url), settings.redis_prefix),
        connection_limiter=limiter,
        waiting_limiter=ConnectionLimiter(MAX_WAITING, MAX_WAITING_PER_USER),
        stream_query_slots=BoundedSemaphore(STREAM_QUERY_SLOTS),
        background_publisher=BackgroundPublisher(ProgressPublisher(client, settings.redis_prefix)),
        background_writer=BackgroundCalls("PostgreSQL"),
        mailer=Mailer(settings),
        readiness=Readiness(settings, database),
        metrics=Metrics(database, limiter, client, settings.redis_prefix),
        search_budget=SearchBudget(),
        counter_pool=counter_pool(settings.redis_url),
        reporter=make_reporter(settings, lambda: report),
    )


def services() -> Services:
    """Return the services of the current application."""
    return cast(Services, current_app.extensions["services"])
