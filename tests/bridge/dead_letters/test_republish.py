"""`dead-letters republish` publishes once again what the topic has lost, and the audit is then consistent."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from sqlalchemy import text

from bridge.dead_letters import republish as republish_module
from bridge.dead_letters.republish import RepublishResult, republish
from bridge.dead_letters.topic_index import expected_in_topic
from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.audit.audit_runs import run_audit
from tests.bridge.dead_letter_rows import (
    add_failed_thought,
    add_record_dead_letter,
    delete_thought,
    get_dead_letter,
    get_thought,
    publish_dead_letters,
)
from tests.bridge.kafka_sources import recreate_topic
from tests.bridge.running_relays import idle_relay
from tests.bridge.thoughts import add_user
from tests.bridge.topic_contents import headers_by_name, read_records
from tests.eventually import eventually

pytestmark = pytest.mark.usefixtures("topics")


def publish_outbox(settings: Settings, database: Database) -> None:
    """Let a relay publish the whole outbox, retrying while a new topic has no leaders yet."""
    with idle_relay(settings) as relay:
        eventually(lambda: relay.run_pass() > 0 and not outbox_failure_ids(database))


def outbox_failure_ids(database: Database) -> list[str]:
    return [row.failure_id for row in database.rows(text("SELECT failure_id FROM outbox ORDER BY failure_id"))]


def audit_dead_letters(settings: Settings, database: Database) -> list[str]:
    """Audit, and return the lines about dead letters."""
    findings = run_audit(settings, database)["finding_details"]
    return [finding["text"] for finding in findings if finding["kind"] == "dead_letter"]


@pytest.fixture
def lost(settings: Settings, database: Database, user_id: UUID) -> list[str]:
    """Return failure ids, of a thought and of records, that Kafka acknowledged before the topic was recreated."""
    failures = [add_failed_thought(database, settings, user_id)]
    failures += [
        add_record_dead_letter(database, settings, value, offset=offset) for offset, value in enumerate((b"?", None))
    ]
    publish_dead_letters(settings, database)
    recreate_topic(settings, settings.kafka_dead_letter_topic)
    return sorted(failures)


def test_publish_restores_a_recreated_topic_and_the_audit_is_consistent(
    settings: Settings, database: Database, user_id: UUID, lost: list[str]
) -> None:
    lines = audit_dead_letters(settings, database)
    assert len(lines) == 3
    assert all("`python -m bridge dead-letters republish`" in line for line in lines)
    assert republish(database, settings, dry_run=False) == RepublishResult(expected=3, missing=3, written=3)
    publish_outbox(settings, database)
    published = {
        headers_by_name(record)["failure-id"].decode(): record
        for record in read_records(settings, settings.kafka_dead_letter_topic)
    }
    assert sorted(published) == lost
    for failure_id, record in published.items():
        row = get_dead_letter(database, failure_id)
        assert (record.partition(), record.offset()) == (row.kafka_partition, row.kafka_offset)
        assert record.value() == (row.value and bytes(row.value))
        assert record.key() == (str(user_id).encode() if row.thought_id else None)
    assert audit_dead_letters(settings, database) == []


def test_a_second_publish_writes_nothing_before_and_after_the_relay_has_published(
    settings: Settings, database: Database, lost: list[str]
) -> None:
    republish(database, settings, dry_run=False)
    assert republish(database, settings, dry_run=False) == RepublishResult()
    assert outbox_failure_ids(database) == lost
    publish_outbox(settings, database)
    assert republish(database, settings, dry_run=False) == RepublishResult(expected=3)
    assert outbox_failure_ids(database) == []


def test_two_concurrent_commands_write_each_dead_letter_once(
    settings: Settings, database: Database, lost: list[str]
) -> None:
    letters = list(expected_in_topic(database))
    with ThreadPoolExecutor(2) as pool:
        topic = settings.kafka_dead_letter_topic
        written = list(pool.map(lambda _: republish_module._write(database, topic, letters), range(2)))
    assert sum(written) == 3
    assert outbox_failure_ids(database) == lost


def test_publish_writes_dead_letters_that_were_lost_before_kafka_acknowledged_them(
    settings: Settings, database: Database
) -> None:
    add_record_dead_letter(database, settings, b"?")
    database.rows(text("DELETE FROM outbox"))
    assert republish(database, settings, dry_run=False) == RepublishResult(expected=1, missing=1, written=1)
    assert republish(database, settings, dry_run=False) == RepublishResult()


def test_a_dry_run_changes_nothing(settings: Settings, database: Database, lost: list[str]) -> None:
    before = [get_dead_letter(database, failure_id) for failure_id in lost]
    assert republish(database, settings, dry_run=True) == RepublishResult(expected=3, missing=3)
    assert [get_dead_letter(database, failure_id) for failure_id in lost] == before
    assert outbox_failure_ids(database) == []


def test_publish_does_not_duplicate_a_row_that_waits_in_the_outbox(
    settings: Settings, database: Database, lost: list[str]
) -> None:
    insert = text("INSERT INTO outbox (topic, failure_id, headers) VALUES (:topic, :failure, '{}')")
    database.rows(insert, topic=settings.kafka_dead_letter_topic, failure=lost[0])
    result = republish(database, settings, dry_run=False)
    assert result == RepublishResult(expected=3, missing=3, written=2)
    assert "written to the outbox: 2; already waiting there or published in the meantime: 1" in result.line(
        dry_run=False
    )
    assert outbox_failure_ids(database) == lost


def test_publish_skips_a_dead_letter_that_was_published_in_the_meantime(
    settings: Settings, database: Database, lost: list[str]
) -> None:
    letters = list(expected_in_topic(database))
    move = text("UPDATE dead_letters SET kafka_offset = kafka_offset + 1 WHERE failure_id = :failure")
    database.rows(move, failure=lost[0])
    assert republish_module._write(database, settings.kafka_dead_letter_topic, letters) == 2
    assert outbox_failure_ids(database) == lost[1:]


def test_publish_ignores_expired_records_and_rows_that_wait_in_the_outbox(
    settings: Settings, database: Database
) -> None:
    add_record_dead_letter(database, settings, b"?")
    publish_dead_letters(settings, database)
    add_record_dead_letter(database, settings, b"in the outbox", offset=99)
    (record,) = read_records(settings, settings.kafka_dead_letter_topic)
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    expired = TopicPartition(settings.kafka_dead_letter_topic, record.partition() or 0, (record.offset() or 0) + 1)
    next(iter(admin.delete_records([expired]).values())).result(20)
    assert republish(database, settings, dry_run=False) == RepublishResult(expected=1)


def test_publish_does_not_publish_the_text_of_a_deleted_thought(
    settings: Settings, database: Database, lost: list[str]
) -> None:
    failure_id = next(failure for failure in lost if get_dead_letter(database, failure).thought_id)
    delete_thought(database, get_thought(database, failure_id).id)
    erase = text("UPDATE dead_letters SET value = '', headers = headers - 'message' WHERE failure_id = :failure")
    database.rows(erase, failure=failure_id)
    republish(database, settings, dry_run=False)
    publish_outbox(settings, database)
    topic = settings.kafka_dead_letter_topic
    (record,) = [record for record in read_records(settings, topic) if record.key() is not None]
    assert (record.value(), "error-message" in headers_by_name(record)) == (b"", False)


def test_publish_writes_many_dead_letters_in_several_statements(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(republish_module, "MAX_ROWS", 2)
    for _ in range(5):
        add_failed_thought(database, settings, add_user(database))
    publish_dead_letters(settings, database)
    recreate_topic(settings, settings.kafka_dead_letter_topic)
    assert republish(database, settings, dry_run=False).written == 5


def test_publish_reports_a_missing_topic_in_one_line(settings: Settings, database: Database) -> None:
    missing = settings.model_copy(update={"kafka_dead_letter_topic": f"{settings.kafka_topic}-none"})
    with pytest.raises(SystemExit, match=r"could not be read.*create-topics"):
        republish(database, missing, dry_run=False)
