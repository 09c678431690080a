"""The relay goes on when Kafka, PostgreSQL, a topic or another relay comes and goes, and nothing is lost."""

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
from tests.bridge.running_relays import a_relay, add_row, relay_process, running_relay, waiting
from tests.bridge.topic_contents import headers, records
from tests.eventually import eventually
from tests.tcp_proxy import TcpProxy

LEADING = text("""
    SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid)
     WHERE locktype = 'advisory' AND granted AND datname = current_database() AND application_name = 'relay'
       AND state = 'idle in transaction'
""")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliveries that are given up soon, so that a whole batch fails within the test."""
    monkeypatch.setattr(producer, "DELIVERY_TIMEOUT_MS", 1_500)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliveries that are never given up while the test lasts, so that it all happens within one batch."""
    monkeypatch.setattr(producer, "DELIVERY_TIMEOUT_MS", 600_000)
    monkeypatch.setattr(producer, "MAX_WAIT_SECONDS", 600)


def fill(database: Database, topic: str, turns: range) -> None:
    statement = text("""
        INSERT INTO outbox (topic, key, turn, value)
        SELECT :topic, 'one', turn, 'x' FROM generate_series(CAST(:first AS int), :last) AS turn ORDER BY turn
    """)
    database.rows(statement, topic=topic, first=turns.start, last=turns.stop - 1)


def turns_in_kafka(settings: Settings) -> list[int]:
    return [int(headers(one)["turn"] or 0) for one in records(settings, settings.kafka_topic)]


@pytest.mark.usefixtures("topics")
def test_two_relays_publish_every_row_once_and_in_order(settings: Settings, database: Database) -> None:
    with running_relay(settings), running_relay(settings):
        for first in range(1, 3001, 30):
            fill(database, settings.kafka_topic, range(first, first + 30))
        eventually(lambda: not waiting(database))
    assert turns_in_kafka(settings) == list(range(1, 3001))


@pytest.mark.usefixtures("topics", "impatient")
def test_rows_wait_while_kafka_is_away_and_are_published_when_it_is_back(
    settings: Settings, kafka_away: Settings, kafka_proxy: TcpProxy, database: Database
) -> None:
    fill(database, settings.kafka_topic, range(1, 4))
    with a_relay(kafka_away) as relay:
        assert relay.publish_batch() is PassResult.TROUBLE
        assert len(waiting(database)) == 3
        kafka_proxy.accept()
        eventually(lambda: relay.publish_batch() is PassResult.EMPTY)
    assert waiting(database) == []
    assert turns_in_kafka(settings) == [1, 2, 3]


@pytest.mark.usefixtures("topics")
def test_a_producer_that_does_not_report_in_time_is_dropped_with_what_it_holds(
    settings: Settings, kafka_away: Settings, kafka_proxy: TcpProxy, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer, "MAX_WAIT_SECONDS", 0.5)
    fill(database, settings.kafka_topic, range(1, 4))
    with a_relay(kafka_away) as relay:
        assert [relay.publish_batch(), relay.publish_batch()] == [PassResult.TROUBLE, PassResult.TROUBLE]
        kafka_proxy.accept()
        monkeypatch.setattr(producer, "MAX_WAIT_SECONDS", 20)
        assert relay.publish_batch() is PassResult.EMPTY
    assert turns_in_kafka(settings) == [1, 2, 3]


@pytest.mark.usefixtures("topics")
def test_rows_committed_while_a_batch_is_under_way_are_not_deleted_with_it(
    settings: Settings, kafka_away: Settings, kafka_proxy: TcpProxy, database: Database
) -> None:
    insert = text("INSERT INTO outbox (topic, turn, value) VALUES (:topic, 1, 'x')")
    transactions = database.engine.execution_options(isolation_level="READ COMMITTED")
    with transactions.connect() as connection, a_relay(kafka_away) as relay:
        connection.execute(insert, {"topic": settings.kafka_topic})
        add_row(database, settings.kafka_topic, turn=2)
        thread = threading.Thread(target=relay.publish_batch, daemon=True)
        thread.start()
        eventually(lambda: database.rows(LEADING))
        connection.commit()
        kafka_proxy.accept()
        thread.join(30)
        assert len(waiting(database)) == 1
        relay.publish_batch()
    assert sorted(turns_in_kafka(settings)) == [1, 2]


@pytest.mark.usefixtures("topics", "patient")
def test_it_shows_that_it_is_alive_while_kafka_is_away(
    kafka_away: Settings, database: Database, tmp_path: Path
) -> None:
    heart = tmp_path / "heart"
    add_row(database, kafka_away.kafka_topic)
    with running_relay(kafka_away.model_copy(update={"heartbeat_file": str(heart)})):
        eventually(heart.exists)
        heart.unlink()
        eventually(heart.exists)
    assert len(waiting(database)) == 1


@pytest.mark.usefixtures("topics")
def test_a_leader_that_was_stopped_loses_the_lock_and_goes_on_later(
    settings: Settings, kafka_away: Settings, kafka_proxy: TcpProxy, database: Database
) -> None:
    fill(database, settings.kafka_topic, range(1, 11))
    with relay_process(kafka_away) as leader:

        def stopped_while_leading() -> bool:
            if database.rows(LEADING):
                leader.send_signal(signal.SIGSTOP)
                if database.rows(LEADING):
                    return True
                leader.send_signal(signal.SIGCONT)
            return False

        eventually(stopped_while_leading)
        with running_relay(settings):
            eventually(lambda: not waiting(database), timeout=15)
        assert turns_in_kafka(settings) == list(range(1, 11))
        kafka_proxy.accept()
        leader.send_signal(signal.SIGCONT)
        fill(database, settings.kafka_topic, range(11, 21))
        eventually(lambda: not waiting(database), timeout=30)
        leader.send_signal(signal.SIGTERM)
        assert leader.wait(20) == 0
    assert set(turns_in_kafka(settings)) == set(range(1, 21))


@pytest.mark.usefixtures("topics", "patient")
def test_a_relay_that_shall_stop_while_kafka_is_away_ends_and_keeps_its_rows(
    kafka_away: Settings, database: Database
) -> None:
    add_row(database, kafka_away.kafka_topic)
    with running_relay(kafka_away):
        eventually(lambda: database.rows(LEADING))
    assert len(waiting(database)) == 1


@pytest.mark.usefixtures("topics")
def test_a_signal_ends_the_process_well(settings: Settings, database: Database) -> None:
    add_row(database, settings.kafka_topic)
    with relay_process(settings) as relay:
        eventually(lambda: not waiting(database))
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(20) == 0


@pytest.mark.usefixtures("topics")
def test_it_goes_on_when_postgresql_ends_its_connections(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    end = text("""
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'relay' AND datname = current_database()
    """)
    with running_relay(settings):
        for first in range(1, 201, 10):
            fill(database, settings.kafka_topic, range(first, first + 10))
            database.rows(end)
        eventually(lambda: not waiting(database))
    assert set(turns_in_kafka(settings)) == set(range(1, 201))
    ours = [line for line in caplog.records if line.name.startswith("bridge")]
    assert not any(line.exc_info for line in ours)  # SQLAlchemy's pool tells of the connections it throws away


@pytest.mark.usefixtures("topics")
def test_a_topic_that_is_missing_holds_up_nobody_else_and_is_said_once(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH_ROWS", 2)
    missing = f"{settings.kafka_topic}-missing"
    for topic in (missing, missing, settings.kafka_topic):
        add_row(database, topic, turn=1)
    with a_relay(settings) as relay:
        assert [relay.publish_batch(), relay.publish_batch()] == [PassResult.FULL, PassResult.EMPTY]
        assert turns_in_kafka(settings) == [1]
        relay._backoff = BackoffRegistry()
        relay.publish_batch()
    assert len(waiting(database)) == 2
    said = [line.getMessage() for line in caplog.records if missing in line.getMessage()]
    assert len([line for line in said if "create-topics" in line]) == 1


@pytest.fixture
def leaderless(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Settings, MockKafka]]:
    """A Kafka whose second partition of the work topic nobody leads, and which says soon that it is so."""
    monkeypatch.setattr(producer, "DELIVERY_TIMEOUT_MS", 1_500)
    monkeypatch.setattr(outbox, "BATCH_ROWS", 4)
    with mock_kafka() as kafka:
        kafka.make(settings.kafka_topic)
        kafka.lead(settings.kafka_topic, 1, NO_LEADER)
        yield settings.model_copy(update={"kafka_bootstrap_servers": kafka.address}), kafka


def keys_of(partition: int, number: int) -> list[str]:
    """Keys that librdkafka puts into this one of three partitions."""
    every = (f"key {one}" for one in count())
    return list(islice((key for key in every if zlib.crc32(key.encode()) % 3 == partition), number))


def test_a_partition_without_a_leader_holds_up_nobody_else_and_keeps_its_order(
    leaderless: tuple[Settings, MockKafka], database: Database
) -> None:
    settings, kafka = leaderless
    unled, led = keys_of(1, 10), keys_of(2, 3)
    held_up = [add_row(database, settings.kafka_topic, b"1", key=key) for key in unled]
    for key in led:
        add_row(database, settings.kafka_topic, b"1", key=key)
    with running_relay(settings):
        eventually(lambda: waiting(database) == held_up)
        held_up += [add_row(database, settings.kafka_topic, b"2", key=key) for key in unled]
        add_row(database, settings.kafka_topic, b"2", key=led[0])
        eventually(lambda: waiting(database) == held_up)
        kafka.lead(settings.kafka_topic, 1, 2)
        eventually(lambda: not waiting(database), timeout=60)
    told = [(one.key(), one.value()) for one in records(settings, settings.kafka_topic)]
    assert [value for key, value in told if key == unled[0].encode()] == [b"1", b"2"]
    assert len(told) == 24


def test_rows_are_published_once_their_topic_is_made(
    settings: Settings, database: Database, request: pytest.FixtureRequest
) -> None:
    add_row(database, settings.kafka_topic, turn=1)
    with running_relay(settings) as relay:
        eventually(lambda: relay._exclusions().topics)
        request.getfixturevalue("topics")
        eventually(lambda: not waiting(database))
    assert turns_in_kafka(settings) == [1]


@pytest.mark.usefixtures("topics")
def test_a_producer_with_a_fatal_error_is_replaced(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    add_row(database, settings.kafka_topic, turn=1)
    with a_relay(settings) as relay:
        relay.publish_batch()
        first = producer_of(relay._publisher)
        relay._publisher._on_error(KafkaError(KafkaError._FATAL, "out of sequence", fatal=True))
        add_row(database, settings.kafka_topic, turn=2)
        relay.publish_batch()
        assert producer_of(relay._publisher) is not first
    assert sorted(turns_in_kafka(settings)) == [1, 2]
    assert any(line.levelno == logging.ERROR and "made anew" in line.getMessage() for line in caplog.records)


def producer_of(publisher: OutboxProducer) -> object:
    assert publisher._producer is not None
    return publisher._producer
