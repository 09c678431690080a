"""Runs relays for tests: single passes, a thread, or a separate process."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text

from bridge.relay.relay import Relay
from contracts.database import Database, make_engine
from contracts.settings import Settings
from tests.stores import ROOT


@contextmanager
def idle_relay(settings: Settings, stop: threading.Event | None = None) -> Iterator[Relay]:
    """Yield a relay that runs only the passes that the test calls."""
    engine = make_engine(settings.database_url, "relay")
    try:
        yield Relay(settings, engine, stop or threading.Event())
    finally:
        engine.dispose()


@contextmanager
def running_relay(settings: Settings) -> Iterator[Relay]:
    """Run a relay in a thread."""
    stop = threading.Event()
    with idle_relay(settings, stop) as relay:
        thread = threading.Thread(target=relay.run, daemon=True)
        thread.start()
        try:
            yield relay
        finally:
            stop.set()
            thread.join(30)
            assert not thread.is_alive(), "the relay did not stop within 30 s"


@contextmanager
def relay_process(settings: Settings) -> "Iterator[subprocess.Popen[bytes]]":
    """Run `python -m bridge relay` with these settings, and kill it at the end of the block."""
    environment = os.environ | {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "KAFKA_ENABLED": str(settings.kafka_enabled),
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "KAFKA_TOPIC": settings.kafka_topic,
        "HEARTBEAT_FILE": settings.heartbeat_file,
    }
    process = subprocess.Popen([sys.executable, "-m", "bridge", "relay"], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def add_outbox_row(database: Database, topic: str, value: bytes | None = b"{}", **columns: Any) -> int:
    """Insert a row into the outbox and return its id."""
    parameters = {"key": None, "turn": None, "failure_id": None, "headers": None} | columns
    statement = text("""
        INSERT INTO outbox (topic, key, turn, failure_id, value, headers)
        VALUES (:topic, :key, :turn, :failure_id, :value, CAST(:headers AS jsonb)) RETURNING id
    """)
    return int(database.rows(statement, topic=topic, value=value, **parameters)[0].id)


def pending_ids(database: Database) -> list[int]:
    """Return the ids of the outbox rows that are not parked."""
    return [row.id for row in database.rows(text("SELECT id FROM outbox WHERE parked_at IS NULL ORDER BY id"))]
