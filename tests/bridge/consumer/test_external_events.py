"""Tests external producers' records on real servers: each becomes a thought in its order, or a complete dead letter."""

import hashlib
import json
import os
import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from confluent_kafka import Producer
from sqlalchemy import text

from bridge.dead_letters.rebuild import rebuild
from bridge.dead_letters.replay import replay
from bridge.kafka.limits import MAX_WORK_BATCH_BYTES
from contracts.database import Database
from contracts.dead_letters import read_headers
from contracts.events import thought_created
from contracts.settings import Settings
from contracts.source_headers import restore_key
from tests.bridge.audit.audit_runs import run_audit
from tests.bridge.corrupting_proxy import produce_compressed
from tests.bridge.kafka_sources import fetch_commit
from tests.bridge.running_bridges import running_bridge, wait_until_committed
from tests.bridge.running_relays import pending_ids, running_relay
from tests.bridge.thoughts import add_user, thought_row
from tests.bridge.topic_contents import header_list, headers_by_name, read_records
from tests.bridge.worker_threads import running_workers
from tests.eventually import eventually
from tests.tcp_proxy import TcpProxy

pytestmark = pytest.mark.usefixtures("topics")

KafkaRecord = tuple[bytes | None, bytes | None, list[tuple[str, str | bytes | None]]]
"""Key, value and headers of a record."""


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_seconds": 2.0, "lease_renew_seconds": 0.5, "kafka_partitions": 1}


def make_event(user: UUID, **fields: Any) -> bytes:
    event = thought_created(user, uuid4(), "From an external producer").to_dict() | fields
    return json.dumps(event).encode()


def produce_records(settings: Settings, records: Sequence[KafkaRecord]) -> None:
    producer = Producer(
        {"bootstrap.servers": settings.kafka_bootstrap_servers, "message.max.bytes": MAX_WORK_BATCH_BYTES}
    )
    for key, value, headers in records:
        producer.produce(settings.kafka_topic, value, key, partition=0, headers=headers)
    assert producer.flush(30) == 0


def malformed_records(user: UUID) -> list[KafkaRecord]:
    """Return records of every malformed kind, and 40 with random bytes."""
    key, random_numbers = str(user).encode(), random.Random()
    values = [
        None,
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        "{}".encode("utf-16"),
        make_event(user, version=2),
        make_event(user, event_type="thought_completed"),
        make_event(user, text=7),
        make_event(user, text=""),
        make_event(user, text="a\x00b"),
        make_event(user, text="\u200b\u2800"),
        make_event(user, text="x" * 10_001),
        make_event(user, thought_id="me"),
        make_event(user, timestamp="yesterday"),
        make_event(user, filler="x" * 1_020_000),
        make_event(uuid4()),
        *(os.urandom(random_numbers.randrange(1, 200)) for _ in range(40)),
    ]
    records: list[KafkaRecord] = [
        (key, value, [("traceparent", b"00-aa"), ("x", os.urandom(9)), ("x", None)]) for value in values
    ]
    records += [(wrong_key, make_event(user), []) for wrong_key in (None, b"", b"\xff", str(uuid4()).encode())]
    return [*records, (key, make_event(user), [("turn", b"soon")]), (os.urandom(8), make_event(uuid4()), [])]


def published_dead_letters(settings: Settings) -> list[Any]:
    return read_records(settings, settings.kafka_dead_letter_topic)


def with_hashable_headers(record: KafkaRecord) -> tuple[Any, ...]:
    key, value, headers = record
    return key, value, tuple(headers)


def test_malformed_records_become_complete_dead_letters_and_valid_events_between_them_are_analysed(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    malformed, thoughts = malformed_records(user_id), [uuid4() for _ in range(6)]
    records = list(malformed)
    for number, thought in enumerate(thoughts):
        event = thought_created(user_id, thought, f"Thought {number}").to_bytes()
        records.insert(number * 12, (str(user_id).encode(), event, [("traceparent", b"00-aa")]))
    produce_records(settings, records)
    with running_workers(settings, database), running_bridge(settings), running_relay(settings):
        eventually(lambda: (fetch_commit(settings) or (0,))[0] == len(records), timeout=120)
        eventually(lambda: database.rows(text("SELECT count(*) FROM outbox"))[0][0] == 0, timeout=60)
    assert [thought_row(database, thought).status for thought in thoughts] == ["completed"] * len(thoughts)
    assert [thought_row(database, thought).turn for thought in thoughts] == list(range(1, len(thoughts) + 1))
    dead_letters = database.rows(text("SELECT * FROM dead_letters"))
    stored = [
        (
            restore_key(dead_letter.headers),
            None if dead_letter.value is None else bytes(dead_letter.value),
            tuple((name, value and base64_bytes(value)) for name, value in dead_letter.headers["original_headers"]),
        )
        for dead_letter in dead_letters
    ]
    expected = sorted(map(with_hashable_headers, malformed), key=repr)
    assert sorted(stored, key=repr) == expected
    messages = published_dead_letters(settings)
    published = [
        (
            headers_by_name(message)["original-key"],
            message.value(),
            tuple(
                (name.removeprefix("original-header-"), value)
                for name, value in header_list(message)
                if name.startswith("original-header-")
            ),
        )
        for message in messages
    ]
    assert sorted(published, key=repr) == expected
    failures = [read_headers(header_list(message)) for message in messages]
    published_ids = [failure[0] for failure in failures if failure]
    assert sorted(published_ids) == sorted(dead_letter.failure_id for dead_letter in dead_letters)


def base64_bytes(value: str) -> bytes | None:
    return restore_key({"original_key": value})


def test_the_dead_letter_of_an_unknown_user_can_be_replayed_once_the_user_exists(
    settings: Settings, database: Database
) -> None:
    user, thought = uuid4(), uuid4()
    event = thought_created(user, thought, "Too early").to_bytes()
    produce_records(settings, [(str(user).encode(), event, [("traceparent", b"00-aa")])])
    with running_workers(settings, database), running_bridge(settings), running_relay(settings):
        (dead_letter,) = eventually(lambda: database.rows(text("SELECT * FROM dead_letters")))
        database.rows(text("INSERT INTO users (id) VALUES (:id)"), id=user)
        assert replay(database, dead_letter.failure_id, settings).changed
        eventually(lambda: (fetch_commit(settings) or (0,))[0] == 2, timeout=60)
    row = thought_row(database, thought)
    assert (row.status, bytes(row.event)) == ("completed", event)
    assert [name for name, _ in row.headers["original_headers"]] == ["replay-of", "traceparent"]
    assert len(database.rows(text("SELECT FROM dead_letters"))) == 1


def test_external_events_are_accepted_in_the_order_of_the_log_despite_an_outage_of_postgresql(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    users = [add_user(database) for _ in range(3)]
    thoughts = [(users[number % 3], uuid4()) for number in range(240)]
    records: list[KafkaRecord] = [
        (str(user).encode(), thought_created(user, thought, "One of many").to_bytes(), []) for user, thought in thoughts
    ]
    proxy = TcpProxy.for_url(settings.database_url)
    proxied_settings = settings.model_copy(update={"database_url": proxy.proxied_url(settings.database_url)})
    count_thoughts = text("SELECT count(*) FROM thoughts")
    with running_bridge(proxied_settings):
        produce_records(settings, records[:120])
        eventually(lambda: database.rows(count_thoughts)[0][0] > 20)
        proxy.refuse()
        produce_records(settings, records[120:])
        eventually(lambda: "records wait to be accepted" in caplog.text)
        proxy.accept()
        with running_workers(settings, database):
            wait_until_committed(settings, database, len(records))
    proxy.refuse()
    turns = {
        user: [thought_row(database, thought).turn for owner, thought in thoughts if owner == user] for user in users
    }
    assert turns == {user: list(range(1, 81)) for user in users}


def test_the_dead_letter_of_a_large_record_keeps_its_bytes_and_cannot_be_replayed(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    """Compressed it fits into the work topic; decompressed it is ten times larger than the limit."""
    key, value = str(user_id).encode(), make_event(user_id, filler=os.urandom(5_000).hex() * 1_000)
    produce_compressed(settings, settings.kafka_topic, [value], "zstd", key=key)
    with running_workers(settings, database), running_bridge(settings), running_relay(settings):
        wait_until_committed(settings, database, 1)
        (published,) = eventually(lambda: published_dead_letters(settings))
    (dead_letter,) = database.rows(text("SELECT * FROM dead_letters"))
    assert (bytes(dead_letter.value), published.value()) == (value, value)
    assert headers_by_name(published)["error-class"] == b"TooLarge"
    assert "larger than an event may be" in replay(database, dead_letter.failure_id, settings).description
    assert [row.state for row in database.rows(text("SELECT state FROM dead_letters"))] == ["open"]
    assert run_audit(settings, database)["consistent"]
    database.rows(text("DELETE FROM dead_letters"))
    assert rebuild(database, settings).added == 1
    assert [bytes(row.value) for row in database.rows(text("SELECT value FROM dead_letters"))] == [value]


def test_a_record_too_large_for_a_dead_letter_is_dead_lettered_without_its_bytes(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    """Compressed it is small enough for the work topic, and nothing limits its decompressed size."""
    value = make_event(user_id, filler="x" * 60_000_000)
    produce_compressed(settings, settings.kafka_topic, [value], "zstd", key=str(user_id).encode())
    valid_event = make_event(user_id)
    produce_records(settings, [(str(user_id).encode(), valid_event, [])])
    with running_workers(settings, database), running_bridge(settings), running_relay(settings):
        wait_until_committed(settings, database, 2)
        (dead_letter,) = eventually(lambda: read_records(settings, settings.kafka_dead_letter_topic))
    header_values = headers_by_name(dead_letter)
    digest = hashlib.sha256(value).hexdigest()
    assert (dead_letter.value(), header_values["error-class"]) == (None, b"TooLarge")
    assert header_values["original-value-left-out"] == f"{len(value)} bytes, SHA-256 {digest}".encode()
    assert (header_values["original-offset"], header_values["original-header-turn"]) == (b"0", b"1")
    eventually(lambda: pending_ids(database) == [])
    (partition,) = run_audit(settings, database)["partitions"]
    assert (partition["records"]["dead_lettered"], partition["records"]["completed"]) == (1, 1)
