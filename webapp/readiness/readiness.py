"""The probes of one web process, kept up to date by a thread, and what they found."""

import threading
from functools import partial

from contracts.database import Database
from contracts.progress import connect_redis
from contracts.settings import Settings
from webapp.readiness.backlog import Backlog, read_backlog
from webapp.readiness.kafka_check import check_kafka
from webapp.readiness.postgres_check import check_postgres
from webapp.readiness.probe import INTERVAL_SECONDS, Outcome, Probe
from webapp.readiness.redis_check import RedisCheck, check_broker
from webapp.readiness.waits import Findings

NOTHING_TO_CHECK: Outcome[None] = Outcome()


class Readiness:
    """Checks the dependencies every INTERVAL_SECONDS once it is started, and at the first question otherwise."""

    def __init__(self, settings: Settings, database: Database) -> None:
        prefix = settings.redis_prefix
        redis_check = RedisCheck(connect_redis(settings.redis_url), prefix)
        self._postgres = Probe("PostgreSQL", partial(check_postgres, database))
        self._redis = Probe("Redis", redis_check.run)
        self._kafka = Probe("Kafka", partial(check_kafka, settings)) if settings.kafka_enabled else None
        self._broker = _broker_probe(settings)
        self._backlog = Probe("The backlog", partial(read_backlog, database))
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread. Calling it again is harmless."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="readiness", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop the thread."""
        self._closing.set()

    def postgres(self) -> Outcome[str]:
        """Return whether this web can store a thought, and the migration of the database."""
        return self._postgres.outcome()

    def findings(self) -> Findings:
        """Return whether a stored thought is worked on. Callers wait only for the first outcomes, within seconds."""
        self._refresh()
        return Findings(
            redis=self._redis.outcome(),
            kafka=self._kafka.outcome() if self._kafka else NOTHING_TO_CHECK,
            broker=self._broker.outcome() if self._broker else NOTHING_TO_CHECK,
        )

    def backlog(self) -> Outcome[Backlog]:
        """Return the figures of the backlog, which are only read when somebody asks."""
        return self._backlog.outcome()

    def _refresh(self) -> None:
        """Start all checks that are due at once, so that the waits for them overlap."""
        for probe in (self._postgres, self._redis, self._kafka, self._broker):
            if probe is not None:
                probe.refresh()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._refresh()
            self._closing.wait(INTERVAL_SECONDS)


def _broker_probe(settings: Settings) -> Probe[None] | None:
    """Return the check of a broker that is another Redis; other brokers are not checked."""
    url = settings.broker_url
    if url == settings.redis_url or not url.startswith(("redis://", "rediss://")):
        return None
    return Probe("The broker", partial(check_broker, connect_redis(url), settings.redis_prefix))
