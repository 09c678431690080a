"""Whatever others write to the work topic, on real servers: a thought in its order, or a dead letter, whole."""

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
from bridge.kafka.topics import MAX_WORK_BATCH_BYTES
from contracts.database import Database
from contracts.dead_letters import read_headers
from contracts.events import thought_created
from contracts.settings import Settings
from contracts.source_headers import restore_key
from tests.bridge.audit.audit_runs import audited
from tests.bridge.corrupting_proxy import produce_packed
from tests.bridge.kafka_sources import committed
from tests.bridge.running_bridges import all_ended, running
from tests.bridge.running_relays import running_relay, waiting
from tests.bridge.thoughts import add_user, row
from tests.bridge.topic_contents import header_list, headers, records
from tests.bridge.worker_threads import workers
from tests.eventually import eventually
from tests.tcp_proxy import TcpProxy

pytestmark = pytest.mark.usefixtures("topics")

Told = tuple[bytes | None, bytes | None, list[tuple[str, str | bytes | None]]]
"""Key, value, headers."""


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_seconds": 2.0, "lease_renew_seconds": 0.5, "kafka_partitions": 1}


def an_event(user: UUID, **fields: Any) -> bytes:
    event = thought_created(user, uuid4(), "From elsewhere").to_dict() | fields
    return json.dumps(event).encode()


def write(settings: Settings, told: Sequence[Told]) -> None:
    producer = Producer(
        {"bootstrap.servers": settings.kafka_bootstrap_servers, "message.max.bytes": MAX_WORK_BATCH_BYTES}
    )
    for key, value, given in told:
        producer.produce(settings.kafka_topic, value, key, partition=0, headers=given)
    assert producer.flush(30) == 0


def malformed(user: UUID) -> list[Told]:
    """Every kind, and some dozens of random bytes."""
    key, chance = str(user).encode(), random.Random()
    values = [
        None,
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        "{}".encode("utf-16"),
        an_event(user, version=2),
        an_event(user, event_type="thought_completed"),
        an_event(user, text=7),
        an_event(user, text=""),
        an_event(user, text="a\x00b"),
        an_event(user, text="x" * 10_001),
        an_event(user, thought_id="me"),
        an_event(user, timestamp="yesterday"),
        an_event(user, filler="x" * 1_020_000),
        an_event(uuid4()),
        *(os.urandom(chance.randrange(1, 200)) for _ in range(40)),
    ]
    told: list[Told] = [
        (key, value, [("traceparent", b"00-aa"), ("x", os.urandom(9)), ("x", None)]) for value in values
    ]
    told += [(wrong, an_event(user), []) for wrong in (None, b"", b"\xff", str(uuid4()).encode())]
    return [*told, (key, an_event(user), [("turn", b"soon")]), (os.urandom(8), an_event(uuid4()), [])]


def in_the_topic(settings: Settings) -> list[Any]:
    return records(settings, settings.kafka_dead_letter_topic)


def whole(told: Told) -> tuple[Any, ...]:
    key, value, given = told
    return key, value, tuple(given)


def test_every_malformed_kind_is_a_dead_letter_with_its_bytes_and_good_events_between_are_analysed(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    bad, good = malformed(user_id), [uuid4() for _ in range(6)]
    told = list(bad)
    for number, thought in enumerate(good):
        event = thought_created(user_id, thought, f"Good {number}").to_bytes()
        told.insert(number * 12, (str(user_id).encode(), event, [("traceparent", b"00-aa")]))
    write(settings, told)
    with workers(settings, database), running(settings), running_relay(settings):
        eventually(lambda: (committed(settings) or (0,))[0] == len(told), timeout=120)
        eventually(lambda: database.rows(text("SELECT count(*) FROM outbox"))[0][0] == 0, timeout=60)
    assert [row(database, thought).status for thought in good] == ["completed"] * len(good)
    assert [row(database, thought).turn for thought in good] == list(range(1, len(good) + 1))
    kept = database.rows(text("SELECT * FROM dead_letters"))
    index = [
        (
            restore_key(letter.headers),
            None if letter.value is None else bytes(letter.value),
            tuple((name, value and base64_bytes(value)) for name, value in letter.headers["original_headers"]),
        )
        for letter in kept
    ]
    expected = sorted(map(whole, bad), key=repr)
    assert sorted(index, key=repr) == expected
    published = in_the_topic(settings)
    found = [
        (
            headers(message)["original-key"],
            message.value(),
            tuple(
                (name.removeprefix("original-header-"), value)
                for name, value in header_list(message)
                if name.startswith("original-header-")
            ),
        )
        for message in published
    ]
    assert sorted(found, key=repr) == expected
    ids = [read[0] for message in published if (read := read_headers(header_list(message)))]
    assert sorted(ids) == sorted(letter.failure_id for letter in kept)


def base64_bytes(value: str) -> bytes | None:
    return restore_key({"original_key": value})


def test_an_unknown_user_is_a_dead_letter_that_can_be_replayed_once_the_user_is_there(
    settings: Settings, database: Database
) -> None:
    user, thought = uuid4(), uuid4()
    event = thought_created(user, thought, "Too early").to_bytes()
    write(settings, [(str(user).encode(), event, [("traceparent", b"00-aa")])])
    with workers(settings, database), running(settings), running_relay(settings):
        (letter,) = eventually(lambda: database.rows(text("SELECT * FROM dead_letters")))
        database.rows(text("INSERT INTO users (id) VALUES (:id)"), id=user)
        assert replay(database, letter.failure_id, settings).changed
        eventually(lambda: (committed(settings) or (0,))[0] == 2, timeout=60)
    stands = row(database, thought)
    assert (stands.status, bytes(stands.event)) == ("completed", event)
    assert [name for name, _ in stands.headers["original_headers"]] == ["replay-of", "traceparent"]
    assert len(database.rows(text("SELECT FROM dead_letters"))) == 1


def test_many_unknown_thoughts_are_stored_in_offset_order_though_postgresql_goes_away(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    users = [add_user(database) for _ in range(3)]
    thoughts = [(users[number % 3], uuid4()) for number in range(240)]
    told: list[Told] = [
        (str(user).encode(), thought_created(user, one, "One of many").to_bytes(), []) for user, one in thoughts
    ]
    proxy = TcpProxy.before(settings.database_url)
    away = settings.model_copy(update={"database_url": proxy.url(settings.database_url)})
    stored = text("SELECT count(*) FROM thoughts")
    with running(away):
        write(settings, told[:120])
        eventually(lambda: database.rows(stored)[0][0] > 20)
        proxy.refuse()
        write(settings, told[120:])
        eventually(lambda: "records wait to be stored" in caplog.text)
        proxy.accept()
        with workers(settings, database):
            all_ended(settings, database, len(told))
    proxy.refuse()
    lines = {user: [row(database, one).turn for owner, one in thoughts if owner == user] for user in users}
    assert lines == {user: list(range(1, 81)) for user in users}


def test_a_large_record_is_a_dead_letter_with_its_bytes_that_no_replay_brings_back(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    """Packed it fits into the work topic, and unpacked it is ten times what that takes."""
    key, value = str(user_id).encode(), an_event(user_id, filler=os.urandom(5_000).hex() * 1_000)
    produce_packed(settings, settings.kafka_topic, [value], "zstd", key=key)
    with workers(settings, database), running(settings), running_relay(settings):
        all_ended(settings, database, 1)
        (published,) = eventually(lambda: in_the_topic(settings))
    (kept,) = database.rows(text("SELECT * FROM dead_letters"))
    assert (bytes(kept.value), published.value()) == (value, value)
    assert headers(published)["error-class"] == b"TooLarge"
    assert "larger than an event may be" in replay(database, kept.failure_id, settings).description
    assert [row.state for row in database.rows(text("SELECT state FROM dead_letters"))] == ["open"]
    assert audited(settings, database)["adds_up"]
    database.rows(text("DELETE FROM dead_letters"))
    assert rebuild(database, settings).added == 1
    assert [bytes(row.value) for row in database.rows(text("SELECT value FROM dead_letters"))] == [value]


def test_a_record_too_large_for_a_dead_letter_is_buried_without_its_bytes_and_holds_up_nobody(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    """Packed it is small enough for the work topic, and nothing bounds what it unpacks to."""
    value = an_event(user_id, filler="x" * 60_000_000)
    produce_packed(settings, settings.kafka_topic, [value], "zstd", key=str(user_id).encode())
    foreign = an_event(user_id)
    write(settings, [(str(user_id).encode(), foreign, [])])
    with workers(settings, database), running(settings), running_relay(settings):
        all_ended(settings, database, 2)
        (letter,) = eventually(lambda: records(settings, settings.kafka_dead_letter_topic))
    told = headers(letter)
    digest = hashlib.sha256(value).hexdigest()
    assert (letter.value(), told["error-class"]) == (None, b"TooLarge")
    assert told["original-value-left-out"] == f"{len(value)} bytes, SHA-256 {digest}".encode()
    assert (told["original-offset"], told["original-header-turn"]) == (b"0", b"1")
    eventually(lambda: waiting(database) == [])
    (partition,) = audited(settings, database)["partitions"]
    assert (partition["records"]["buried"], partition["records"]["completed"]) == (1, 1)
