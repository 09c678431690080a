"""Tests of the relay: it publishes rows unchanged, deletes acknowledged ones, and parks permanently rejected ones."""

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic
from sqlalchemy import text

from bridge.kafka.limits import MAX_DEAD_LETTER_RECORD_BYTES, MAX_DEAD_LETTER_VALUE_BYTES, MAX_WORK_BATCH_BYTES
from bridge.relay import outbox
from bridge.relay.producer import WRONG_CLOCK_ADVICE
from bridge.relay.relay import EMPTY_PASS_PAUSE_SECONDS, MAX_PASS_PAUSE_SECONDS, PassResult, pause_after
from contracts.database import Database
from contracts.dead_letters import failure_headers
from contracts.settings import Settings
from tests.bridge.running_relays import add_outbox_row, idle_relay, pending_ids
from tests.bridge.topic_contents import header_list, headers_by_name, read_records
from tests.eventually import eventually
from tests.transactions import transaction, wait_until_blocking

pytestmark = pytest.mark.usefixtures("topics")

NOT_UTF8 = b"\x00\xff\xfe bytes of an external producer \x80"


def test_the_relay_publishes_rows_in_the_order_of_ids_with_key_turn_and_bytes_intact(
    settings: Settings, database: Database
) -> None:
    for turn in range(1, 8):
        add_outbox_row(database, settings.kafka_topic, NOT_UTF8 + str(turn).encode(), key="a-user", turn=turn)
    with idle_relay(settings) as relay:
        assert relay.publish_batch() is PassResult.EMPTY
    published = read_records(settings, settings.kafka_topic)
    assert [headers_by_name(record) for record in published] == [{"turn": str(turn).encode()} for turn in range(1, 8)]
    assert [record.value() for record in published] == [NOT_UTF8 + str(turn).encode() for turn in range(1, 8)]
    assert {record.key() for record in published} == {b"a-user"}
    assert pending_ids(database) == []


def test_an_empty_outbox_publishes_nothing(settings: Settings) -> None:
    with idle_relay(settings) as relay:
        assert relay.publish_batch() is PassResult.EMPTY
    assert read_records(settings, settings.kafka_topic) == []


def test_a_row_without_a_turn_has_no_headers_and_a_tombstone_has_no_value(
    settings: Settings, database: Database
) -> None:
    add_outbox_row(database, settings.kafka_topic, None)
    with idle_relay(settings) as relay:
        relay.publish_batch()
    (record,) = read_records(settings, settings.kafka_topic)
    assert (record.key(), record.value(), record.headers()) == (None, None, None)


def test_a_batch_is_limited_in_rows_and_in_bytes(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH_ROWS", 3)
    monkeypatch.setattr(outbox, "BATCH_BYTES", 100)
    for size in (1, 1, 1, 99, 99, 1, 1):
        add_outbox_row(database, settings.kafka_topic, b"x" * size)
    with idle_relay(settings) as relay:
        assert (relay.publish_batch(), len(pending_ids(database))) == (PassResult.FULL, 4)
        assert (relay.publish_batch(), len(pending_ids(database))) == (PassResult.FULL, 2)
        assert (relay.publish_batch(), len(pending_ids(database))) == (PassResult.EMPTY, 0)


def test_the_relay_publishes_a_row_that_commits_after_a_higher_id(settings: Settings, database: Database) -> None:
    insert = text("INSERT INTO outbox (topic, value) VALUES (:topic, 'early id') RETURNING id")
    transactions = database.engine.execution_options(isolation_level="READ COMMITTED")
    with idle_relay(settings) as relay, transactions.connect() as connection:
        early = connection.execute(insert, {"topic": settings.kafka_topic}).scalar_one()
        assert add_outbox_row(database, settings.kafka_topic, b"late id") > early
        relay.publish_batch()
        connection.commit()
        assert pending_ids(database) == [early]
        relay.publish_batch()
    assert {record.value() for record in read_records(settings, settings.kafka_topic)} == {b"early id", b"late id"}
    assert pending_ids(database) == []


def test_the_relay_parks_permanently_rejected_rows_with_an_alarm_and_publishes_the_others(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    add_outbox_row(database, settings.kafka_topic, b"before", key="k")
    too_large = add_outbox_row(database, settings.kafka_topic, b"x" * MAX_WORK_BATCH_BYTES, key="k")
    beyond_producer_limit = add_outbox_row(database, settings.kafka_topic, b"x" * MAX_DEAD_LETTER_RECORD_BYTES, key="k")
    add_outbox_row(database, settings.kafka_topic, b"after", key="k")
    with idle_relay(settings) as relay:
        while pending_ids(database):
            relay.publish_batch()
        add_outbox_row(database, settings.kafka_topic, b"later", key="k")
        relay.publish_batch()
    values = [record.value() for record in read_records(settings, settings.kafka_topic)]
    assert len(values) == 3
    assert set(values) == {b"after", b"before", b"later"}
    parked = database.rows(text("SELECT id, parked_reason FROM outbox WHERE parked_at IS NOT NULL ORDER BY id"))
    assert [row.id for row in parked] == [too_large, beyond_producer_limit]
    assert all(row.parked_reason.startswith("MSG_SIZE_TOO_LARGE") for row in parked)
    alarms = [line.getMessage() for line in caplog.records if line.levelno == logging.ERROR]
    assert [line.startswith("ALARM") and f"id = {row.id};" in line for line, row in zip(alarms, parked, strict=True)]
    assert len(alarms) == 2


@pytest.fixture
def small_batch_topic(settings: Settings) -> Iterator[str]:
    """Create a topic that accepts record batches of 5,000 bytes, less than the producer puts into one."""
    name = f"{settings.kafka_topic}-small-batches"
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    admin.create_topics([NewTopic(name, 1, 1, config={"max.message.bytes": "5000"})])[name].result(30)
    yield name
    admin.delete_topics([name])[name].result(30)


def set_max_record_age(settings: Settings, topic: str, milliseconds: int) -> None:
    """Set the topic's limit, and wait until the broker has it: the controller answers before."""
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    limit = ConfigEntry(
        "message.timestamp.before.max.ms", str(milliseconds), incremental_operation=AlterConfigOpType.SET
    )
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[limit])
    admin.incremental_alter_configs([resource])[resource].result(20)

    def value() -> str:
        asked = ConfigResource(ResourceType.TOPIC, topic)
        return str(admin.describe_configs([asked])[asked].result(20)[limit.name].value)

    eventually(lambda: value() == str(milliseconds))


def test_the_relay_reports_a_wrong_clock_and_parks_no_row(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """The topic allows no record age at all, so every clock appears to be too far behind."""
    set_max_record_age(settings, settings.kafka_topic, 0)
    row = add_outbox_row(database, settings.kafka_topic, b"stamped by the clock", key="k")
    with idle_relay(settings) as relay:
        assert [relay.publish_batch(), relay.publish_batch()] == [PassResult.BLOCKED, PassResult.BLOCKED]
        assert pending_ids(database) == [row]
        set_max_record_age(settings, settings.kafka_topic, 2**60)
        eventually(lambda: relay.publish_batch() is PassResult.EMPTY and not pending_ids(database))
    assert len([line for line in caplog.records if line.message == f"ALARM: {WRONG_CLOCK_ADVICE}."]) == 1


def test_the_relay_retries_rejected_rows_one_by_one_and_parks_only_the_large_one(
    settings: Settings, database: Database, small_batch_topic: str
) -> None:
    for size in (2_000, 2_000, 6_000, 2_000):
        add_outbox_row(database, small_batch_topic, b"x" * size)
    with idle_relay(settings) as relay:
        relay.publish_batch()
    assert len(read_records(settings, small_batch_topic)) == 3
    left = database.rows(text("SELECT octet_length(value) AS size, parked_at FROM outbox"))
    assert [(row.size, row.parked_at is None) for row in left] == [(6_000, False)]


def test_the_relay_publishes_the_largest_dead_letter_and_stores_its_position(
    settings: Settings, database: Database
) -> None:
    failure = failure_headers(reason="permanent", error_class="E", message="m", stack="\U0001f600" * 20_000) | {
        "origin": {"topic": "t", "partition": 2, "offset": 7, "timestamp": 1},
        "original_headers": [["x", None], ["y", "AP8="]],
    }
    value = b"x" * MAX_DEAD_LETTER_VALUE_BYTES
    insert = text("INSERT INTO dead_letters (failure_id, reason, value, headers) VALUES ('f:1', 'r', :v, '{}')")
    database.rows(insert, v=value)
    add_outbox_row(database, settings.kafka_dead_letter_topic, value, failure_id="f:1", headers=json.dumps(failure))
    with idle_relay(settings) as relay:
        relay.publish_batch()
    (record,) = read_records(settings, settings.kafka_dead_letter_topic)
    assert record.value() == value
    expected = {
        "failure-id": b"f:1",
        "reason": b"permanent",
        "original-topic": b"t",
        "original-partition": b"2",
        "original-offset": b"7",
        "original-timestamp": b"1",
    }
    assert expected.items() <= headers_by_name(record).items()
    assert [value for name, value in header_list(record) if name.endswith(("x", "y"))] == [None, b"\x00\xff"]
    row = database.rows(text("SELECT kafka_partition, kafka_offset FROM dead_letters"))[0]
    assert tuple(row) == (record.partition(), record.offset())


def test_the_relay_locks_dead_letters_before_their_outbox_rows(settings: Settings, database: Database) -> None:
    """The deletion of a thought locks them in the same order, so the other order would be a deadlock."""
    database.rows(text("INSERT INTO dead_letters (failure_id, reason, headers) VALUES ('f:1', 'r', '{}')"))
    add_outbox_row(database, settings.kafka_dead_letter_topic, failure_id="f:1", headers="{}")
    with idle_relay(settings) as relay, ThreadPoolExecutor(1) as pool:
        with transaction(database) as deleter:
            deleter.execute(text("SELECT FROM dead_letters FOR UPDATE"))
            pass_result = pool.submit(relay.publish_batch)
            wait_until_blocking(database, deleter)
            deleter.execute(text("SELECT FROM outbox FOR UPDATE NOWAIT"))
        assert pass_result.result() is PassResult.EMPTY
    assert pending_ids(database) == []
    assert database.rows(text("SELECT kafka_offset FROM dead_letters"))[0].kafka_offset == 0


def test_the_relay_parks_a_row_that_cannot_become_a_record(settings: Settings, database: Database) -> None:
    broken = json.dumps({"original_headers": [["name", "x"]]})
    add_outbox_row(database, settings.kafka_dead_letter_topic, failure_id="f", headers=broken)
    add_outbox_row(database, settings.kafka_topic, b"good")
    with idle_relay(settings) as relay:
        relay.publish_batch()
    assert pending_ids(database) == []
    assert [record.value() for record in read_records(settings, settings.kafka_topic)] == [b"good"]
    assert "no record" in database.rows(text("SELECT parked_reason FROM outbox"))[0].parked_reason


def test_a_standby_relay_publishes_nothing_and_touches_its_heartbeat_file(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    add_outbox_row(database, settings.kafka_topic)
    heartbeat_file = tmp_path / "heartbeat"
    transactions = database.engine.execution_options(isolation_level="READ COMMITTED")
    with idle_relay(settings.model_copy(update={"heartbeat_file": str(heartbeat_file)})) as relay:
        with transactions.begin() as leader:
            assert outbox.try_acquire_leadership(leader, idle_ms=60_000)
            assert relay.publish_batch() is PassResult.STANDBY
            relay.run_pass()
            assert heartbeat_file.exists()
            assert len(pending_ids(database)) == 1
        assert relay.publish_batch() is PassResult.EMPTY
    assert pending_ids(database) == []


def test_pauses_grow_with_blocked_passes_up_to_a_limit_and_are_zero_while_rows_wait() -> None:
    assert pause_after(PassResult.FULL, 0) == 0
    assert pause_after(PassResult.EMPTY, 0) == EMPTY_PASS_PAUSE_SECONDS
    assert (
        pause_after(PassResult.BLOCKED, 1)
        < pause_after(PassResult.BLOCKED, 4)
        <= pause_after(PassResult.BLOCKED, 10_000) * 2
    )
    assert pause_after(PassResult.BLOCKED, 10_000) <= MAX_PASS_PAUSE_SECONDS
