"""Tests of the relay during faults of Kafka, PostgreSQL, topics and other relays: it continues and loses no row."""

import logging
import signal
import threading
import zlib
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import pytest
from confluent_kafka import KafkaError
from sqlalchemy import text

from bridge.relay import outbox, producer
from bridge.relay.backoff import BackoffRegistry
from bridge.relay.producer import OutboxProducer
from bridge.relay.relay import PassResult
from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.mock_kafka import NO_LEADER, MockKafka, mock_kafka
from tests.bridge.running_relays import add_outbox_row, idle_relay, pending_ids, relay_process, running_relay
from tests.bridge.topic_contents import headers_by_name, read_records
from tests.eventually import eventually
from tests.tcp_proxy import TcpProxy

LEADING_RELAYS = text("""
    SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid)
     WHERE locktype = 'advisory' AND granted AND datname = current_database() AND application_name = 'relay'
       AND state = 'idle in transaction'
""")


@pytest.fixture
def short_delivery_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let deliveries time out soon, so that a whole batch fails within the test."""
    monkeypatch.setattr(producer, "DELIVERY_TIMEOUT_MS", 1_500)


@pytest.fixture
def no_delivery_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no delivery time out during the test, so that everything happens within one batch."""
    monkeypatch.setattr(producer, "DELIVERY_TIMEOUT_MS", 600_000)
    monkeypatch.setattr(producer, "MAX_WAIT_SECONDS", 600)


def add_rows(database: Database, topic: str, turns: range) -> None:
    statement = text("""
        INSERT INTO outbox (topic, key, turn, value)
        SELECT :topic, 'one', turn, 'x' FROM generate_series(CAST(:first AS int), :last) AS turn ORDER BY turn
    """)
    database.rows(statement, topic=topic, first=turns.start, last=turns.stop - 1)


def turns_in_kafka(settings: Settings) -> list[int]:
    return [int(headers_by_name(record)["turn"] or 0) for record in read_records(settings, settings.kafka_topic)]


@pytest.mark.usefixtures("topics")
def test_two_relays_publish_every_row_once_and_in_order(settings: Settings, database: Database) -> None:
    with running_relay(settings), running_relay(settings):
        for first in range(1, 3001, 30):
            add_rows(database, settings.kafka_topic, range(first, first + 30))
        eventually(lambda: not pending_ids(database))
    assert turns_in_kafka(settings) == list(range(1, 3001))


@pytest.mark.usefixtures("topics", "short_delivery_timeout")
def test_rows_wait_while_kafka_is_unavailable_and_are_published_afterwards(
    settings: Settings, unavailable_kafka: Settings, kafka_proxy: TcpProxy, database: Database
) -> None:
    add_rows(database, settings.kafka_topic, range(1, 4))
    with idle_relay(unavailable_kafka) as relay:
        assert relay.publish_batch() is PassResult.BLOCKED
        assert len(pending_ids(database)) == 3
        kafka_proxy.accept()
        eventually(lambda: relay.publish_batch() is PassResult.EMPTY)
    assert pending_ids(database) == []
    assert turns_in_kafka(settings) == [1, 2, 3]


@pytest.mark.usefixtures("topics")
def test_the_relay_drops_a_producer_with_late_reports_and_the_records_it_holds(
    settings: Settings,
    unavailable_kafka: Settings,
    kafka_proxy: TcpProxy,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(producer, "MAX_WAIT_SECONDS", 0.5)
    add_rows(database, settings.kafka_topic, range(1, 4))
    with idle_relay(unavailable_kafka) as relay:
        assert [relay.publish_batch(), relay.publish_batch()] == [PassResult.BLOCKED, PassResult.BLOCKED]
        kafka_proxy.accept()
        monkeypatch.setattr(producer, "MAX_WAIT_SECONDS", 20)
        assert relay.publish_batch() is PassResult.EMPTY
    assert turns_in_kafka(settings) == [1, 2, 3]


@pytest.mark.usefixtures("topics")
def test_the_relay_does_not_delete_rows_that_are_committed_while_a_batch_is_published(
    settings: Settings, unavailable_kafka: Settings, kafka_proxy: TcpProxy, database: Database
) -> None:
    insert = text("INSERT INTO outbox (topic, turn, value) VALUES (:topic, 1, 'x')")
    transactions = database.engine.execution_options(isolation_level="READ COMMITTED")
    with transactions.connect() as connection, idle_relay(unavailable_kafka) as relay:
        connection.execute(insert, {"topic": settings.kafka_topic})
        add_outbox_row(database, settings.kafka_topic, turn=2)
        thread = threading.Thread(target=relay.publish_batch, daemon=True)
        thread.start()
        eventually(lambda: database.rows(LEADING_RELAYS))
        connection.commit()
        kafka_proxy.accept()
        thread.join(30)
        assert len(pending_ids(database)) == 1
        relay.publish_batch()
    assert sorted(turns_in_kafka(settings)) == [1, 2]


@pytest.mark.usefixtures("topics", "no_delivery_timeout")
def test_the_relay_touches_its_heartbeat_file_while_kafka_is_unavailable(
    unavailable_kafka: Settings, database: Database, tmp_path: Path
) -> None:
    heartbeat_file = tmp_path / "heartbeat"
    add_outbox_row(database, unavailable_kafka.kafka_topic)
    with running_relay(unavailable_kafka.model_copy(update={"heartbeat_file": str(heartbeat_file)})):
        eventually(heartbeat_file.exists)
        heartbeat_file.unlink()
        eventually(heartbeat_file.exists)
    assert len(pending_ids(database)) == 1


def test_the_relay_touches_its_heartbeat_file_while_postgresql_is_unavailable(
    settings: Settings, tmp_path: Path
) -> None:
    heartbeat_file = tmp_path / "heartbeat"
    unavailable = settings.model_copy(
        update={"database_url": "postgresql+psycopg2://127.0.0.1:9/none", "heartbeat_file": str(heartbeat_file)}
    )
    with idle_relay(unavailable) as relay:
        relay.run_pass()
        assert heartbeat_file.exists()


@pytest.mark.usefixtures("topics")
def test_a_suspended_leader_loses_the_lock_and_continues_later(
    settings: Settings, unavailable_kafka: Settings, kafka_proxy: TcpProxy, database: Database
) -> None:
    add_rows(database, settings.kafka_topic, range(1, 11))
    with relay_process(unavailable_kafka) as leader:

        def is_stopped_while_leading() -> bool:
            if database.rows(LEADING_RELAYS):
                leader.send_signal(signal.SIGSTOP)
                if database.rows(LEADING_RELAYS):
                    return True
                leader.send_signal(signal.SIGCONT)
            return False

        eventually(is_stopped_while_leading)
        with running_relay(settings):
            eventually(lambda: not pending_ids(database), timeout=15)
        assert turns_in_kafka(settings) == list(range(1, 11))
        kafka_proxy.accept()
        leader.send_signal(signal.SIGCONT)
        add_rows(database, settings.kafka_topic, range(11, 21))
        eventually(lambda: not pending_ids(database), timeout=30)
        leader.send_signal(signal.SIGTERM)
        assert leader.wait(20) == 0
    assert set(turns_in_kafka(settings)) == set(range(1, 21))


@pytest.mark.usefixtures("topics", "no_delivery_timeout")
def test_a_relay_stops_and_keeps_its_rows_while_kafka_is_unavailable(
    unavailable_kafka: Settings, database: Database
) -> None:
    add_outbox_row(database, unavailable_kafka.kafka_topic)
    with running_relay(unavailable_kafka):
        eventually(lambda: database.rows(LEADING_RELAYS))
    assert len(pending_ids(database)) == 1


@pytest.mark.usefixtures("topics")
def test_sigterm_ends_the_relay_process_with_status_0(settings: Settings, database: Database) -> None:
    add_outbox_row(database, settings.kafka_topic)
    with relay_process(settings) as relay:
        eventually(lambda: not pending_ids(database))
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(20) == 0


@pytest.mark.usefixtures("topics")
def test_the_relay_continues_when_postgresql_ends_its_connections(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    end_connections = text("""
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'relay' AND datname = current_database()
    """)
    with running_relay(settings):
        for first in range(1, 201, 10):
            add_rows(database, settings.kafka_topic, range(first, first + 10))
            database.rows(end_connections)
        eventually(lambda: not pending_ids(database))
    assert set(turns_in_kafka(settings)) == set(range(1, 201))
    bridge_lines = [line for line in caplog.records if line.name.startswith("bridge")]
    assert not any(line.exc_info for line in bridge_lines)  # SQLAlchemy's pool logs the connections that it discards


@pytest.mark.usefixtures("topics")
def test_a_missing_topic_does_not_delay_other_topics_and_is_logged_once(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH_ROWS", 2)
    missing = f"{settings.kafka_topic}-missing"
    for topic in (missing, missing, settings.kafka_topic):
        add_outbox_row(database, topic, turn=1)
    with idle_relay(settings) as relay:
        assert [relay.publish_batch(), relay.publish_batch()] == [PassResult.FULL, PassResult.EMPTY]
        assert turns_in_kafka(settings) == [1]
        relay._backoff = BackoffRegistry()
        relay.publish_batch()
    assert len(pending_ids(database)) == 2
    messages = [line.getMessage() for line in caplog.records if missing in line.getMessage()]
    assert len([message for message in messages if "create-topics" in message]) == 1


@pytest.fixture
def leaderless(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Settings, MockKafka]]:
    """Run a mock Kafka in which partition 1 of the work topic has no leader, with a short delivery timeout."""
    monkeypatch.setattr(producer, "DELIVERY_TIMEOUT_MS", 1_500)
    monkeypatch.setattr(outbox, "BATCH_ROWS", 4)
    with mock_kafka() as kafka:
        kafka.create_topic(settings.kafka_topic)
        kafka.set_leader(settings.kafka_topic, 1, NO_LEADER)
        yield settings.model_copy(update={"kafka_bootstrap_servers": kafka.address}), kafka


def keys_of(partition: int, number: int) -> list[str]:
    """Return keys that librdkafka assigns to this one of three partitions."""
    keys = (f"key {suffix}" for suffix in count())
    return list(islice((key for key in keys if zlib.crc32(key.encode()) % 3 == partition), number))


def test_a_partition_without_a_leader_delays_no_other_and_keeps_its_order(
    leaderless: tuple[Settings, MockKafka], database: Database
) -> None:
    settings, kafka = leaderless
    leaderless_keys, led_keys = keys_of(1, 10), keys_of(2, 3)
    waiting_ids = [add_outbox_row(database, settings.kafka_topic, b"1", key=key) for key in leaderless_keys]
    for key in led_keys:
        add_outbox_row(database, settings.kafka_topic, b"1", key=key)
    with running_relay(settings):
        eventually(lambda: pending_ids(database) == waiting_ids)
        waiting_ids += [add_outbox_row(database, settings.kafka_topic, b"2", key=key) for key in leaderless_keys]
        add_outbox_row(database, settings.kafka_topic, b"2", key=led_keys[0])
        eventually(lambda: pending_ids(database) == waiting_ids)
        kafka.set_leader(settings.kafka_topic, 1, 2)
        eventually(lambda: not pending_ids(database), timeout=60)
    published = [(record.key(), record.value()) for record in read_records(settings, settings.kafka_topic)]
    assert [value for key, value in published if key == leaderless_keys[0].encode()] == [b"1", b"2"]
    assert len(published) == 24


def test_the_relay_publishes_waiting_rows_when_their_topic_is_created(
    settings: Settings, database: Database, request: pytest.FixtureRequest
) -> None:
    add_outbox_row(database, settings.kafka_topic, turn=1)
    with running_relay(settings) as relay:
        eventually(lambda: relay._exclusions().topics)
        request.getfixturevalue("topics")
        eventually(lambda: not pending_ids(database))
    assert turns_in_kafka(settings) == [1]


@pytest.mark.usefixtures("topics")
def test_the_relay_replaces_a_producer_after_a_fatal_error(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    add_outbox_row(database, settings.kafka_topic, turn=1)
    with idle_relay(settings) as relay:
        relay.publish_batch()
        first_producer = producer_of(relay._producer)
        relay._producer._on_error(KafkaError(KafkaError._FATAL, "out of sequence", fatal=True))
        add_outbox_row(database, settings.kafka_topic, turn=2)
        relay.publish_batch()
        assert producer_of(relay._producer) is not first_producer
    assert sorted(turns_in_kafka(settings)) == [1, 2]
    assert any(line.levelno == logging.ERROR and "is replaced" in line.getMessage() for line in caplog.records)


def producer_of(publisher: OutboxProducer) -> object:
    assert publisher._producer is not None
    return publisher._producer
