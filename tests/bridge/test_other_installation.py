"""Two installations share the topics: the relay signs its records, and no command takes those of the other one."""

import json
from collections.abc import Iterator
from threading import Event

import pytest
from sqlalchemy import text

from bridge.audit.audit import Audit
from bridge.dead_letters.rebuild import RebuildResult, rebuild
from bridge.dead_letters.republish import republish
from bridge.relay.relay import Relay
from contracts.database import Database, make_engine
from contracts.foreign_items import INSTALLATION_HEADER
from contracts.installation import read_installation_id
from contracts.settings import Settings
from contracts.source_headers import capture_source
from tests.bridge.dead_letter_rows import PUBLISH, add_failed_thought
from tests.bridge.kafka_sources import commit_offset, topic_id
from tests.bridge.running_relays import add_outbox_row
from tests.bridge.thoughts import accept_thoughts, add_user
from tests.bridge.topic_contents import header_list, read_records
from tests.stores import Stores, temporary_database

pytestmark = pytest.mark.usefixtures("topics")

LOSE_INDEX = text("DELETE FROM dead_letters RETURNING failure_id")
NEW_ID = text("UPDATE installation SET id = gen_random_uuid() RETURNING id")


@pytest.fixture
def overrides() -> dict[str, object]:
    return {"kafka_partitions": 1}


@pytest.fixture
def other_database(stores: Stores, template: str) -> Iterator[Database]:
    """The database of the other installation."""
    with temporary_database(stores, template) as url:
        database = Database(make_engine(url.replace("postgresql://", "postgresql+psycopg2://"), "test"))
        database.rows(NEW_ID)
        yield database
        database.engine.dispose()


def publish(settings: Settings, database: Database) -> None:
    """Let a relay of the database's installation publish its outbox."""
    Relay(settings, database.engine, Event(), read_installation_id(database)).publish_batch()


def fail_and_publish(settings: Settings, database: Database) -> str:
    """Publish the dead letter of a new failed thought, and return its failure id."""
    failure_id = add_failed_thought(database, settings, add_user(database))
    database.rows(PUBLISH, topic=settings.kafka_dead_letter_topic)
    publish(settings, database)
    return failure_id


def test_every_record_of_a_relay_names_its_installation_once(settings: Settings, database: Database) -> None:
    """Also a record that is written again with the original headers, among which is the sender of a copy."""
    own = (INSTALLATION_HEADER, read_installation_id(database).encode())
    source = capture_source(b"key", [(INSTALLATION_HEADER, b"another one"), ("x", b"1")])
    add_outbox_row(database, settings.kafka_topic, key="a-user", turn=1)
    add_outbox_row(database, settings.kafka_topic, headers=json.dumps(source))
    add_outbox_row(database, settings.kafka_events_topic, key="a-user")
    publish(settings, database)
    headers = [header_list(record) for record in read_records(settings, settings.kafka_topic)]
    assert headers == [[("turn", b"1"), own], [("x", b"1"), own]]
    assert [header_list(record) for record in read_records(settings, settings.kafka_events_topic)] == [[own]]


def test_a_rebuild_restores_only_the_dead_letters_of_this_installation(
    settings: Settings, database: Database, other_database: Database
) -> None:
    own = fail_and_publish(settings, database)
    fail_and_publish(settings, other_database)
    before = database.rows(text("SELECT failure_id, headers FROM dead_letters"))
    database.rows(LOSE_INDEX)
    assert rebuild(database, settings) == RebuildResult(records=2, added=1, other_records=1)
    rows = database.rows(text("SELECT failure_id, headers FROM dead_letters"))
    assert [row.failure_id for row in rows] == [own]
    assert rows == before, "the sender is no part of a dead letter"


def test_a_dead_letter_that_only_the_other_installation_published_is_published_again(
    settings: Settings, database: Database, other_database: Database
) -> None:
    """The databases are copies of one, of which the second one became another installation."""
    failure_id = add_failed_thought(database, settings, user := add_user(database))
    columns = "thought_id, turn, reason, value, headers"
    (row,) = database.rows(text(f"SELECT {columns} FROM dead_letters"))
    other_database.rows(text("INSERT INTO users (id) VALUES (:id) RETURNING id"), id=user)
    other_database.rows(
        text(
            "INSERT INTO dead_letters (failure_id, thought_id, turn, reason, value, headers) VALUES "
            "(:failure_id, :thought, :turn, :reason, :value, CAST(:headers AS jsonb)) RETURNING failure_id"
        ),
        failure_id=failure_id,
        thought=row.thought_id,
        turn=row.turn,
        reason=row.reason,
        value=row.value,
        headers=json.dumps(row.headers),
    )
    other_database.rows(PUBLISH, topic=settings.kafka_dead_letter_topic)
    publish(settings, other_database)
    result = republish(database, settings, dry_run=False)
    assert (result.expected, result.missing, result.written) == (1, 1, 1)


def test_the_audit_counts_records_of_another_installation_and_finds_nothing_wrong(
    settings: Settings, database: Database, other_database: Database
) -> None:
    accept_thoughts(settings, other_database, [add_user(other_database)], 3)
    publish(settings, other_database)
    fail_and_publish(settings, other_database)
    records = len(read_records(settings, settings.kafka_topic))
    commit_offset(settings, records, topic_id(settings))
    audit = Audit(settings, database, whole=True)
    figures = audit.run(wait=lambda _: None)
    audit.close()
    assert figures["finding_details"] == []
    (partition,) = figures["partitions"]
    assert records >= 3
    assert partition["records"]["foreign"] == records
    assert figures["dead_letters_in_topic"] == 0
