"""Adds records to a lane as the consumer does, and reads the dead letters that ingestion made of them."""

from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from sqlalchemy import text

from bridge.consumer.ingest import Ingestion
from bridge.consumer.lane import Lane
from bridge.records.parse import parse_record
from bridge.records.types import InvalidRecord
from contracts.database import Database, Row
from contracts.dead_letters import origin
from contracts.progress import ProgressPublisher, connect_redis
from contracts.settings import Settings
from tests.bridge.kafka_sources import user_key


def make_ingestion(database: Database, settings: Settings, clock: Callable[[], float] = monotonic) -> Ingestion:
    return Ingestion(
        database, ProgressPublisher(connect_redis(settings.redis_url), settings.redis_prefix), settings, clock
    )


USER_KEY: Final = b"the event's user"
"""In the place of a key: the id of the event's user."""


def add_to_lane(
    lane: Lane, offset: int, value: bytes | None, headers: Any = (), topic: str = "work", key: bytes | None = USER_KEY
) -> None:
    """Parse a record and add it to the lane, as the consumer does. With USER_KEY, a value that is no event gets a key
    that is not UTF-8."""
    key = user_key(value) or b"its \xff key" if key is USER_KEY else key
    parsed = parse_record(origin(topic, 0, offset, 1_700_000_000_000), value, headers, key)
    if isinstance(parsed, InvalidRecord):
        lane.add_invalid(parsed.record, parsed.message)
    else:
        lane.add_record(parsed)


def dead_letters_from(database: Database, topic: str) -> list[Row]:
    """Return the dead letters whose records were read from `topic`, in the order of their offsets."""
    query = text("SELECT * FROM dead_letters WHERE headers->'origin'->>'topic' = :topic")
    return sorted(database.rows(query, topic=topic), key=lambda letter: letter.headers["origin"]["offset"])
