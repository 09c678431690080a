"""What the dead letter topic lost goes to it again, once, and the books add up."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from sqlalchemy import text

from bridge.dead_letters import republish as module
from bridge.dead_letters.republish import RepublishResult, republish
from bridge.dead_letters.topic_index import expected_in_topic
from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.audit.audit_runs import audited
from tests.bridge.dead_letter_rows import buried, delete, failed, letter_of, published, thought_of
from tests.bridge.kafka_sources import make_anew
from tests.bridge.running_relays import a_relay
from tests.bridge.thoughts import add_user
from tests.bridge.topic_contents import headers, records
from tests.eventually import eventually

pytestmark = pytest.mark.usefixtures("topics")


def relayed(settings: Settings, database: Database) -> None:
    """A relay publishes the whole outbox; a topic that was made a moment ago has its leaders soon."""
    with a_relay(settings) as relay:
        eventually(lambda: relay.step() > 0 and not in_outbox(database))


def in_outbox(database: Database) -> list[str]:
    return [row.failure_id for row in database.rows(text("SELECT failure_id FROM outbox ORDER BY failure_id"))]


def letters_found(settings: Settings, database: Database) -> list[str]:
    """What the audit says of dead letters."""
    return [one["line"] for one in audited(settings, database)["found"] if one["kind"] == "letter"]


@pytest.fixture
def lost(settings: Settings, database: Database, user_id: UUID) -> list[str]:
    """Failure ids, of a thought and of records, that Kafka acknowledged, and whose topic was made anew since."""
    found = [failed(database, settings, user_id)]
    found += [buried(database, settings, value, offset=offset) for offset, value in enumerate((b"?", None))]
    published(settings, database)
    make_anew(settings, settings.kafka_dead_letter_topic)
    return sorted(found)


def test_what_a_topic_made_anew_does_not_hold_is_published_and_the_audit_is_clean(
    settings: Settings, database: Database, user_id: UUID, lost: list[str]
) -> None:
    said = letters_found(settings, database)
    assert len(said) == 3
    assert all("`python -m bridge dead-letters publish`" in line for line in said)
    assert republish(database, settings, dry_run=False) == RepublishResult(expected=3, missing=3, written=3)
    relayed(settings, database)
    told = {headers(one)["failure-id"].decode(): one for one in records(settings, settings.kafka_dead_letter_topic)}
    assert sorted(told) == lost
    for failure_id, record in told.items():
        row = letter_of(database, failure_id)
        assert (record.partition(), record.offset()) == (row.kafka_partition, row.kafka_offset)
        assert record.value() == (row.value and bytes(row.value))
        assert record.key() == (str(user_id).encode() if row.thought_id else None)
    assert letters_found(settings, database) == []


def test_twice_is_harmless_before_and_after_a_relay_has_published(
    settings: Settings, database: Database, lost: list[str]
) -> None:
    republish(database, settings, dry_run=False)
    assert republish(database, settings, dry_run=False) == RepublishResult()
    assert in_outbox(database) == lost
    relayed(settings, database)
    assert republish(database, settings, dry_run=False) == RepublishResult(expected=3)
    assert in_outbox(database) == []


def test_two_at_once_write_each_dead_letter_once(settings: Settings, database: Database, lost: list[str]) -> None:
    letters = list(expected_in_topic(database))
    with ThreadPoolExecutor(2) as pool:
        topic = settings.kafka_dead_letter_topic
        written = list(pool.map(lambda _: module._write(database, topic, letters), range(2)))
    assert sum(written) == 3
    assert in_outbox(database) == lost


def test_what_was_lost_on_its_way_is_sent_as_well(settings: Settings, database: Database) -> None:
    buried(database, settings, b"?")
    database.rows(text("DELETE FROM outbox"))
    assert republish(database, settings, dry_run=False) == RepublishResult(expected=1, missing=1, written=1)
    assert republish(database, settings, dry_run=False) == RepublishResult()


def test_a_dry_run_changes_nothing(settings: Settings, database: Database, lost: list[str]) -> None:
    before = [letter_of(database, failure_id) for failure_id in lost]
    assert republish(database, settings, dry_run=True) == RepublishResult(expected=3, missing=3)
    assert [letter_of(database, failure_id) for failure_id in lost] == before
    assert in_outbox(database) == []


def test_a_row_that_waits_in_the_outbox_is_not_doubled(settings: Settings, database: Database, lost: list[str]) -> None:
    waits = text("INSERT INTO outbox (topic, failure_id, headers) VALUES (:topic, :failure, '{}')")
    database.rows(waits, topic=settings.kafka_dead_letter_topic, failure=lost[0])
    found = republish(database, settings, dry_run=False)
    assert found == RepublishResult(expected=3, missing=3, written=2)
    assert "2 were written to the outbox again, 1 wait there already" in found.line(dry_run=False)
    assert in_outbox(database) == lost


def test_what_was_published_elsewhere_in_the_meantime_is_left_alone(
    settings: Settings, database: Database, lost: list[str]
) -> None:
    letters = list(expected_in_topic(database))
    moved = text("UPDATE dead_letters SET kafka_offset = kafka_offset + 1 WHERE failure_id = :failure")
    database.rows(moved, failure=lost[0])
    assert module._write(database, settings.kafka_dead_letter_topic, letters) == 2
    assert in_outbox(database) == lost[1:]


def test_what_has_expired_or_was_never_acknowledged_is_not_missed(settings: Settings, database: Database) -> None:
    buried(database, settings, b"?")
    published(settings, database)
    buried(database, settings, b"on its way", offset=99)
    (record,) = records(settings, settings.kafka_dead_letter_topic)
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    gone = TopicPartition(settings.kafka_dead_letter_topic, record.partition() or 0, (record.offset() or 0) + 1)
    next(iter(admin.delete_records([gone]).values())).result(20)
    assert republish(database, settings, dry_run=False) == RepublishResult(expected=1)


def test_the_words_of_a_deleted_thought_are_not_published(
    settings: Settings, database: Database, lost: list[str]
) -> None:
    failure_id = next(one for one in lost if letter_of(database, one).thought_id)
    delete(database, thought_of(database, failure_id).id)
    words = text("UPDATE dead_letters SET value = '', headers = headers - 'message' WHERE failure_id = :failure")
    database.rows(words, failure=failure_id)
    republish(database, settings, dry_run=False)
    relayed(settings, database)
    (record,) = [one for one in records(settings, settings.kafka_dead_letter_topic) if one.key() is not None]
    assert (record.value(), "error-message" in headers(record)) == (b"", False)


def test_many_are_written_in_several_statements(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ROWS", 2)
    for _ in range(5):
        failed(database, settings, add_user(database))
    published(settings, database)
    make_anew(settings, settings.kafka_dead_letter_topic)
    assert republish(database, settings, dry_run=False).written == 5


def test_a_topic_that_is_not_there_is_said_in_one_line(settings: Settings, database: Database) -> None:
    missing = settings.model_copy(update={"kafka_dead_letter_topic": f"{settings.kafka_topic}-none"})
    with pytest.raises(SystemExit, match=r"could not be read.*create-topics"):
        republish(database, missing, dry_run=False)
