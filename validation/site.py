"""The installation under validation: its settings, one client for each of its servers, and what earlier steps found."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import redis
from confluent_kafka.admin import AdminClient

from bridge.kafka.config import client_config
from bridge.kafka.topic_reader import TopicReader
from contracts.database import Database, make_engine
from contracts.progress import connect_redis
from contracts.settings import Settings
from validation.visitor import Submitted, Visitor
from validation.web_client import WebClient


@dataclass(frozen=True, slots=True)
class RecordPosition:
    """Where a record is in the work topic."""

    partition: int
    offset: int


class Site:
    """One installation. Nothing connects before the first use.

    `seconds` is how long a thought may take from its submission to its last result.
    """

    def __init__(self, settings: Settings, base_url: str, seconds: float) -> None:
        self.settings = settings
        self.seconds = seconds
        token = settings.metrics_token
        self.web = WebClient(base_url, None if token is None else token.get_secret_value())
        self.visitor = Visitor(self.web, names_itself=settings.trust_user_id)
        self.first_thought: Submitted | None = None
        """The thought of the step `producer`, which the steps `consumer` and `results` follow."""
        self.first_record: RecordPosition | None = None
        """Its record in the work topic, once the step `producer` has seen it."""

    @cached_property
    def database(self) -> Database:
        """PostgreSQL; read only here."""
        return Database(make_engine(self.settings.database_url, "validation", connections=1))

    @cached_property
    def redis(self) -> redis.Redis:
        """Redis, as the processes of the installation use it."""
        return connect_redis(self.settings.redis_url)

    @cached_property
    def kafka_admin(self) -> AdminClient:
        """Kafka's metadata."""
        return AdminClient(client_config(self.settings, "validation"))

    @cached_property
    def topic_reader(self) -> TopicReader:
        """Kafka's records and commits. It never joins the consumer group."""
        return TopicReader(self.settings, "validation")

    def close(self) -> None:
        """Close what was opened."""
        opened = vars(self)
        if "topic_reader" in opened:
            self.topic_reader.close()
        if "redis" in opened:
            self.redis.close()
        if "database" in opened:
            self.database.engine.dispose()


@contextmanager
def open_site(settings: Settings, base_url: str, seconds: float) -> Iterator[Site]:
    """Yield the site, and close its connections afterwards."""
    site = Site(settings, base_url, seconds)
    try:
        yield site
    finally:
        site.close()
