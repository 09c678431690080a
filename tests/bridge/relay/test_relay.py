"""The relay publishes the outbox as it stands, deletes what was acknowledged, and parks what is refused for good."""

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

from bridge.kafka.topics import MAX_DEAD_LETTER_RECORD_BYTES, MAX_DEAD_LETTER_VALUE_BYTES, MAX_WORK_BATCH_BYTES
from bridge.relay import outbox
from bridge.relay.producer import WRONG_CLOCK_ADVICE
from bridge.relay.relay import IDLE_SECONDS, MAX_PAUSE_SECONDS, PassResult, pause_after
from contracts.database import Database
from contracts.dead_letters import failure_headers
from contracts.settings import Settings
from tests.bridge.running_relays import a_relay, add_row, waiting
from tests.bridge.topic_contents import header_list, headers, records
from tests.eventually import eventually
from tests.transactions import transaction, until_awaited

pytestmark = pytest.mark.usefixtures("topics")

NOT_UTF8 = b"\x00\xff\xfe bytes of a foreign producer \x80"


def test_rows_arrive_in_the_order_of_their_ids_with_key_turn_and_bytes_intact(
    settings: Settings, database: Database
) -> None:
    for turn in range(1, 8):
        add_row(database, settings.kafka_topic, NOT_UTF8 + str(turn).encode(), key="a-user", turn=turn)
    with a_relay(settings) as relay:
        assert relay.publish_batch() is PassResult.EMPTY
    found = records(settings, settings.kafka_topic)
    assert [headers(one) for one in found] == [{"turn": str(turn).encode()} for turn in range(1, 8)]
    assert [one.value() for one in found] == [NOT_UTF8 + str(turn).encode() for turn in range(1, 8)]
    assert {one.key() for one in found} == {b"a-user"}
    assert waiting(database) == []


def test_an_empty_outbox_publishes_nothing(settings: Settings) -> None:
    with a_relay(settings) as relay:
        assert relay.publish_batch() is PassResult.EMPTY
    assert records(settings, settings.kafka_topic) == []


def test_a_row_without_turn_has_no_headers_and_a_tombstone_has_no_value(settings: Settings, database: Database) -> None:
    add_row(database, settings.kafka_topic, None)
    with a_relay(settings) as relay:
        relay.publish_batch()
    (found,) = records(settings, settings.kafka_topic)
    assert (found.key(), found.value(), found.headers()) == (None, None, None)


def test_a_batch_is_bounded_by_rows_and_by_bytes(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH_ROWS", 3)
    monkeypatch.setattr(outbox, "BATCH_BYTES", 100)
    for size in (1, 1, 1, 99, 99, 1, 1):
        add_row(database, settings.kafka_topic, b"x" * size)
    with a_relay(settings) as relay:
        assert (relay.publish_batch(), len(waiting(database))) == (PassResult.FULL, 4)
        assert (relay.publish_batch(), len(waiting(database))) == (PassResult.FULL, 2)
        assert (relay.publish_batch(), len(waiting(database))) == (PassResult.EMPTY, 0)


def test_an_id_that_is_committed_late_is_published_all_the_same(settings: Settings, database: Database) -> None:
    insert = text("INSERT INTO outbox (topic, value) VALUES (:topic, 'early id') RETURNING id")
    transactions = database.engine.execution_options(isolation_level="READ COMMITTED")
    with a_relay(settings) as relay, transactions.connect() as connection:
        early = connection.execute(insert, {"topic": settings.kafka_topic}).scalar_one()
        assert add_row(database, settings.kafka_topic, b"late id") > early
        relay.publish_batch()
        connection.commit()
        assert waiting(database) == [early]
        relay.publish_batch()
    assert {one.value() for one in records(settings, settings.kafka_topic)} == {b"early id", b"late id"}
    assert waiting(database) == []


def test_what_kafka_refuses_for_good_is_parked_with_an_alarm_and_the_others_pass(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    add_row(database, settings.kafka_topic, b"before", key="k")
    too_large = add_row(database, settings.kafka_topic, b"x" * MAX_WORK_BATCH_BYTES, key="k")
    beyond_the_producer = add_row(database, settings.kafka_topic, b"x" * MAX_DEAD_LETTER_RECORD_BYTES, key="k")
    add_row(database, settings.kafka_topic, b"after", key="k")
    with a_relay(settings) as relay:
        while waiting(database):
            relay.publish_batch()
        add_row(database, settings.kafka_topic, b"later", key="k")
        relay.publish_batch()
    values = [one.value() for one in records(settings, settings.kafka_topic)]
    assert len(values) == 3
    assert set(values) == {b"after", b"before", b"later"}
    parked = database.rows(text("SELECT id, parked_reason FROM outbox WHERE parked_at IS NOT NULL ORDER BY id"))
    assert [row.id for row in parked] == [too_large, beyond_the_producer]
    assert all(row.parked_reason.startswith("MSG_SIZE_TOO_LARGE") for row in parked)
    alarms = [line.getMessage() for line in caplog.records if line.levelno == logging.ERROR]
    assert [line.startswith("ALARM") and f"id = {row.id} " in line for line, row in zip(alarms, parked, strict=True)]
    assert len(alarms) == 2


@pytest.fixture
def narrow(settings: Settings) -> Iterator[str]:
    """A topic that takes record batches of 5,000 bytes, fewer than the producer puts into one."""
    name = f"{settings.kafka_topic}-narrow"
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    admin.create_topics([NewTopic(name, 1, 1, config={"max.message.bytes": "5000"})])[name].result(30)
    yield name
    admin.delete_topics([name])[name].result(30)


def bound_the_age_of_records(settings: Settings, topic: str, milliseconds: int) -> None:
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    bound = ConfigEntry(
        "message.timestamp.before.max.ms", str(milliseconds), incremental_operation=AlterConfigOpType.SET
    )
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[bound])
    admin.incremental_alter_configs([resource])[resource].result(20)


def test_a_wrong_clock_is_named_and_parks_no_row(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """A clock that is behind by more than the topic allows: any is, when it allows nothing."""
    bound_the_age_of_records(settings, settings.kafka_topic, 0)
    row = add_row(database, settings.kafka_topic, b"stamped by the clock", key="k")
    with a_relay(settings) as relay:
        assert [relay.publish_batch(), relay.publish_batch()] == [PassResult.TROUBLE, PassResult.TROUBLE]
        assert waiting(database) == [row]
        bound_the_age_of_records(settings, settings.kafka_topic, 2**60)
        eventually(lambda: relay.publish_batch() is PassResult.EMPTY and not waiting(database))
    assert len([line for line in caplog.records if line.message == f"ALARM {WRONG_CLOCK_ADVICE}."]) == 1


def test_a_small_row_is_not_parked_for_the_size_of_its_batch(
    settings: Settings, database: Database, narrow: str
) -> None:
    for size in (2_000, 2_000, 6_000, 2_000):
        add_row(database, narrow, b"x" * size)
    with a_relay(settings) as relay:
        relay.publish_batch()
    assert len(records(settings, narrow)) == 3
    left = database.rows(text("SELECT octet_length(value) AS size, parked_at FROM outbox"))
    assert [(row.size, row.parked_at is None) for row in left] == [(6_000, False)]


def test_a_dead_letter_of_the_largest_record_passes_and_its_place_is_written_down(
    settings: Settings, database: Database
) -> None:
    told = failure_headers(reason="permanent", error_class="E", message="m", stack="\U0001f600" * 20_000) | {
        "origin": {"topic": "t", "partition": 2, "offset": 7, "timestamp": 1},
        "original_headers": [["x", None], ["y", "AP8="]],
    }
    value = b"x" * MAX_DEAD_LETTER_VALUE_BYTES
    insert = text("INSERT INTO dead_letters (failure_id, reason, value, headers) VALUES ('f:1', 'r', :v, '{}')")
    database.rows(insert, v=value)
    add_row(database, settings.kafka_dead_letter_topic, value, failure_id="f:1", headers=json.dumps(told))
    with a_relay(settings) as relay:
        relay.publish_batch()
    (found,) = records(settings, settings.kafka_dead_letter_topic)
    assert found.value() == value
    expected = {
        "failure-id": b"f:1",
        "reason": b"permanent",
        "original-topic": b"t",
        "original-partition": b"2",
        "original-offset": b"7",
        "original-timestamp": b"1",
    }
    assert expected.items() <= headers(found).items()
    assert [value for name, value in header_list(found) if name.endswith(("x", "y"))] == [None, b"\x00\xff"]
    row = database.rows(text("SELECT kafka_partition, kafka_offset FROM dead_letters"))[0]
    assert tuple(row) == (found.partition(), found.offset())


def test_a_relay_that_waits_for_a_dead_letter_holds_nothing_that_its_deleter_needs(
    settings: Settings, database: Database
) -> None:
    """Who deletes a thought locks its dead letters before their rows in the outbox; the other order is a deadlock."""
    database.rows(text("INSERT INTO dead_letters (failure_id, reason, headers) VALUES ('f:1', 'r', '{}')"))
    add_row(database, settings.kafka_dead_letter_topic, failure_id="f:1", headers="{}")
    with a_relay(settings) as relay, ThreadPoolExecutor(1) as pool:
        with transaction(database) as deleter:
            deleter.execute(text("SELECT FROM dead_letters FOR UPDATE"))
            done = pool.submit(relay.publish_batch)
            until_awaited(database, deleter)
            deleter.execute(text("SELECT FROM outbox FOR UPDATE NOWAIT"))
        assert done.result() is PassResult.EMPTY
    assert waiting(database) == []
    assert database.rows(text("SELECT kafka_offset FROM dead_letters"))[0].kafka_offset == 0


def test_a_row_that_makes_no_record_is_parked(settings: Settings, database: Database) -> None:
    broken = json.dumps({"original_headers": [["name", "x"]]})
    add_row(database, settings.kafka_dead_letter_topic, failure_id="f", headers=broken)
    add_row(database, settings.kafka_topic, b"good")
    with a_relay(settings) as relay:
        relay.publish_batch()
    assert waiting(database) == []
    assert [one.value() for one in records(settings, settings.kafka_topic)] == [b"good"]
    assert "no record" in database.rows(text("SELECT parked_reason FROM outbox"))[0].parked_reason


def test_a_standby_publishes_nothing_and_shows_that_it_is_alive(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    add_row(database, settings.kafka_topic)
    heart = tmp_path / "heart"
    transactions = database.engine.execution_options(isolation_level="READ COMMITTED")
    with a_relay(settings.model_copy(update={"heartbeat_file": str(heart)})) as relay:
        with transactions.begin() as leader:
            assert outbox.try_acquire_leadership(leader, idle_ms=60_000)
            assert relay.publish_batch() is PassResult.STANDBY
            relay.step()
            assert heart.exists()
            assert len(waiting(database)) == 1
        assert relay.publish_batch() is PassResult.EMPTY
    assert waiting(database) == []


def test_pauses_grow_in_trouble_up_to_a_bound_and_there_is_none_while_rows_wait() -> None:
    assert pause_after(PassResult.FULL, 0) == 0
    assert pause_after(PassResult.EMPTY, 0) == IDLE_SECONDS
    assert (
        pause_after(PassResult.TROUBLE, 1)
        < pause_after(PassResult.TROUBLE, 4)
        <= pause_after(PassResult.TROUBLE, 10_000) * 2
    )
    assert pause_after(PassResult.TROUBLE, 10_000) <= MAX_PAUSE_SECONDS
