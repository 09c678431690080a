"""Tests of a relay that a server refuses its work: it says so to the other processes, and publishes no row twice."""

import pytest
import redis
from sqlalchemy.exc import SQLAlchemyError

from contracts.database import Database
from contracts.presence import Presence
from contracts.settings import Settings
from tests.bridge.running_relays import add_outbox_row, idle_relay, pending_ids, running_relay
from tests.bridge.topic_contents import read_records
from tests.eventually import eventually


def test_a_relay_is_blocked_until_its_work_topic_is_created(
    settings: Settings, database: Database, redis_client: redis.Redis, request: pytest.FixtureRequest
) -> None:
    def is_blocked() -> list[bool]:
        processes = Presence(redis_client, settings.redis_prefix).read()
        return [process.report.is_blocked for process in processes if process.report.kind == "relay"]

    add_outbox_row(database, settings.kafka_topic, turn=1)
    with running_relay(settings):
        eventually(lambda: is_blocked() == [True])
        request.getfixturevalue("topics")
        eventually(lambda: not pending_ids(database))
        eventually(lambda: is_blocked() == [False])


@pytest.mark.usefixtures("topics")
def test_a_relay_that_may_not_delete_its_rows_publishes_none(settings: Settings, database: Database) -> None:
    add_outbox_row(database, settings.kafka_topic, turn=1)
    url = f"{settings.database_url}?options=-cdefault_transaction_read_only%3Don"
    with idle_relay(settings.model_copy(update={"database_url": url})) as relay:
        for _ in range(2):
            with pytest.raises(SQLAlchemyError, match="read-only"):
                relay.publish_batch()
    assert read_records(settings, settings.kafka_topic) == []
    assert len(pending_ids(database)) == 1
