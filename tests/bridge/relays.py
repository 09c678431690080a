"""Relays under test: one round, one thread, or a process of its own; and a port that Kafka can be taken from."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import text

from bridge.relay import Relay
from contracts.database import Database, make_engine
from contracts.settings import Settings
from tests.stores import ROOT


@contextmanager
def a_relay(settings: Settings, stop: threading.Event | None = None) -> Iterator[Relay]:
    """A relay that runs nothing by itself."""
    engine = make_engine(settings.database_url, "relay")
    try:
        yield Relay(settings, engine, stop or threading.Event())
    finally:
        engine.dispose()


@contextmanager
def running_relay(settings: Settings) -> Iterator[Relay]:
    """A relay at work in a thread."""
    stop = threading.Event()
    with a_relay(settings, stop) as relay:
        thread = threading.Thread(target=relay.run, daemon=True)
        thread.start()
        try:
            yield relay
        finally:
            stop.set()
            thread.join(30)
            assert not thread.is_alive(), "the relay did not end when it was told to"


@contextmanager
def relay_process(settings: Settings) -> "Iterator[subprocess.Popen[bytes]]":
    """`python -m bridge relay` with these settings; killed at the end where it still runs."""
    environment = os.environ | {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
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


def add_row(database: Database, topic: str, value: bytes | None = b"{}", **columns: Any) -> int:
    """Put a row into the outbox and return its id."""
    given = {"key": None, "turn": None, "failure_id": None, "headers": None} | columns
    statement = text("""
        INSERT INTO outbox (topic, key, turn, failure_id, value, headers)
        VALUES (:topic, :key, :turn, :failure_id, :value, CAST(:headers AS jsonb)) RETURNING id
    """)
    return int(database.rows(statement, topic=topic, value=value, **given)[0].id)


def waiting(database: Database) -> list[int]:
    """The ids in the outbox that are not parked."""
    return [row.id for row in database.rows(text("SELECT id FROM outbox WHERE parked_at IS NULL ORDER BY id"))]


class Door:
    """A local port in front of Kafka's, shut until `open`; a client that finds it shut knows no broker."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port, and it refuses
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def open(self) -> None:
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError), source, sink:
        while data := source.recv(65_536):
            sink.sendall(data)
