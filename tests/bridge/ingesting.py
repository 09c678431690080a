"""Records on their way through a lane's intake, and the dead letters that became of them."""

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


def an_intake(database: Database, settings: Settings, clock: Callable[[], float] = monotonic) -> Ingestion:
    return Ingestion(
        database, ProgressPublisher(connect_redis(settings.redis_url), settings.redis_sse_prefix), settings, clock
    )


OWN: Final = b"its own"


def bring(
    lane: Lane, offset: int, value: bytes | None, headers: Any = (), topic: str = "work", key: bytes | None = OWN
) -> None:
    """What the consumer does with a record; its own key is its user's, and a strange one for what is no event."""
    key = user_key(value) or b"its \xff key" if key is OWN else key
    read = parse_record(origin(topic, 0, offset, 1_700_000_000_000), value, headers, key)
    if isinstance(read, InvalidRecord):
        lane.add_invalid(read.record, read.reason)
    else:
        lane.add_record(read)


def letters(database: Database, topic: str) -> list[Row]:
    """The dead letters of one origin, in the order of their offsets."""
    found = text("SELECT * FROM dead_letters WHERE headers->'origin'->>'topic' = :topic")
    return sorted(database.rows(found, topic=topic), key=lambda letter: letter.headers["origin"]["offset"])
