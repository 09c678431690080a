"""Runs a bridge in batch mode, and writes and reads the rows that request batches."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from bridge.consumer.batch_source import BatchSource
from bridge.consumer.loop import Bridge
from contracts.database import Database
from contracts.settings import Settings


@contextmanager
def running_batch_bridge(settings: Settings, database: Database) -> Iterator[None]:
    """Run a bridge in batch mode in a thread until the end of the block."""
    stop = threading.Event()
    bridge = Bridge(settings, database, BatchSource(settings, database))
    thread = threading.Thread(target=bridge.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def request_batch(database: Database) -> int:
    return int(database.rows(text("INSERT INTO batches (asked_at) VALUES (now()) RETURNING id"))[0].id)


def has_begun(database: Database, batch: int) -> bool:
    (row,) = database.rows(text("SELECT begun_at FROM batches WHERE id = :id"), id=batch)
    return row.begun_at is not None


def has_ended(database: Database, batch: int) -> bool:
    (row,) = database.rows(text("SELECT * FROM batches WHERE id = :id"), id=batch)
    return row.begun_at is not None and row.ended_at is not None
