"""The index is restored from the topic: what was lost is as it was, and what is there stays as it is."""

import json
from typing import Any
from uuid import UUID

import pytest
from confluent_kafka import Producer
from sqlalchemy import text

from bridge.dead_letters.rebuild import RebuildResult, rebuild
from bridge.dead_letters.replay import discard, replay
from contracts.database import Database
from contracts.dead_letters import kafka_headers, origin
from contracts.settings import Settings
from contracts.source_headers import capture_source
from tests.bridge.corrupting_proxy import corrupting_proxy, produce_packed
from tests.bridge.dead_letter_rows import a_thought, buried, delete, fail, failed, letter_of, published, thought_of
from tests.bridge.thoughts import add_user

pytestmark = pytest.mark.usefixtures("topics")

AS_IT_WAS = ("failure_id", "thought_id", "turn", "reason", "value", "headers", "kafka_partition", "kafka_offset")


def lost(database: Database) -> None:
    database.rows(text("DELETE FROM dead_letters"))


def index(database: Database) -> dict[str, dict[str, Any]]:
    rows = database.rows(text("SELECT * FROM dead_letters"))
    found = [{name: getattr(row, name) for name in AS_IT_WAS} for row in rows]
    return {row["failure_id"]: row | {"value": row["value"] and bytes(row["value"])} for row in found}


def test_lost_rows_come_back_as_they_were(settings: Settings, database: Database, user_id: UUID) -> None:
    kept = capture_source(b"\xff key", [("traceparent", b"00-aa"), ("x", None), ("x", b"\x00")])
    where = origin(settings.kafka_topic, 2, 7, 99)
    fail(database, a_thought(database, settings, user_id, kept=kept), origin=where, stack="line 1\nline 2")
    failed(database, settings, add_user(database))
    for offset, value in enumerate((b"\x00\xff", None, b"", b"{}")):
        buried(database, settings, value, offset=offset, user_id=str(user_id))
    buried(database, settings, b"?", offset=9, key=None, headers=[])
    published(settings, database)
    before = index(database)
    lost(database)
    assert rebuild(database, settings) == RebuildResult(records=7, added=7)
    assert index(database) == before
    states = {row.state for row in database.rows(text("SELECT state FROM dead_letters"))}
    assert states == {"open"}


def test_a_second_run_adds_nothing_and_leaves_what_is_there(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    there, gone = failed(database, settings, user_id), failed(database, settings, user_id)
    discard(database, there)
    published(settings, database)
    before = letter_of(database, there)
    database.rows(text("DELETE FROM dead_letters WHERE failure_id = :id"), id=gone)
    assert rebuild(database, settings) == RebuildResult(records=2, added=1)
    assert rebuild(database, settings) == RebuildResult(records=2)
    assert letter_of(database, there) == before


def test_a_record_that_is_twice_in_the_topic_is_one_row(settings: Settings, database: Database, user_id: UUID) -> None:
    failure = failed(database, settings, user_id)
    for _ in range(2):
        published(settings, database)
    lost(database)
    assert rebuild(database, settings) == RebuildResult(records=2, added=1)
    assert letter_of(database, failure).state == "open"


def test_a_thought_that_has_moved_on_was_replayed(settings: Settings, database: Database, user_id: UUID) -> None:
    failure = failed(database, settings, user_id)
    published(settings, database)
    replay(database, failure, settings)
    again = fail(database, thought_of(database, failure).id)
    database.rows(text("DELETE FROM outbox"))
    published(settings, database)
    lost(database)
    rebuild(database, settings)
    assert (letter_of(database, failure).state, letter_of(database, again).state) == ("replayed", "open")
    assert replay(database, again, settings).description == "replayed as turn 3"


def test_the_words_of_a_deleted_thought_do_not_come_back(settings: Settings, database: Database, user_id: UUID) -> None:
    failure = failed(database, settings, user_id, message="it said: secret")
    published(settings, database)
    delete(database, thought_of(database, failure).id)
    lost(database)
    rebuild(database, settings)
    letter = letter_of(database, failure)
    assert (letter.state, bytes(letter.value)) == ("discarded", b"")
    assert "secret" not in json.dumps(letter.headers)


def test_what_others_wrote_into_the_topic_is_counted_and_harms_nothing(settings: Settings, database: Database) -> None:
    good: dict[str, str | bytes | None] = dict(
        kafka_headers("f", {"reason": "r", "attempts": 1, "origin": origin("t", 0, 0, 0)})
    )
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
    strange: list[dict[str, str | bytes | None]] = [
        {},
        {"failure-id": b"f"},
        {"failure-id": b"\xff", "reason": b"r"},
        good | {"attempts": b"many"},
        good | {"attempts": b"9" * 30},
        good | {"original-offset": b"9" * 30},
        good | {"original-headers-left-out": b"some"},
    ]
    for headers in strange:
        producer.produce(settings.kafka_dead_letter_topic, b"?", headers=headers)
    nul: dict[str, str | bytes | None] = good | {"failure-id": b"a\x00b", "error-message": b"\x00", "mine": None}
    producer.produce(settings.kafka_dead_letter_topic, b"?", headers=nul)
    assert producer.flush(20) == 0
    assert rebuild(database, settings) == RebuildResult(records=8, added=1, other_records=7)
    assert rebuild(database, settings) == RebuildResult(records=8, other_records=7)


def test_records_that_nobody_can_read_are_passed_by(settings: Settings, database: Database, user_id: UUID) -> None:
    produce_packed(settings, settings.kafka_dead_letter_topic, [b"a dead letter " * 99] * 2, "lz4")
    failed(database, settings, user_id)
    published(settings, database)
    lost(database)
    with corrupting_proxy(settings) as proxy:
        assert rebuild(database, proxy.settings) == RebuildResult(records=3, added=1, other_records=2)


def test_kafka_away_is_said_in_one_line(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.kafka.topic_reader.REQUEST_TIMEOUT_SECONDS", 1.0)
    away = settings.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:9"})
    with pytest.raises(SystemExit, match=r"could not be read.*Is Kafka up"):
        rebuild(database, away)


def test_a_buried_event_of_a_thought_that_was_deleted_later_does_not_bring_its_words_back(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    thought = a_thought(database, settings, user_id)
    theirs: dict[str, Any] = {"user_id": str(user_id), "thought_id": str(thought)}
    failure = buried(database, settings, b"its words", reason="unknown-user", **theirs)
    others = buried(database, settings, b"a stranger's", offset=43, **(theirs | {"user_id": str(add_user(database))}))
    published(settings, database)
    delete(database, thought)
    lost(database)
    rebuild(database, settings)
    assert (letter_of(database, failure).state, bytes(letter_of(database, failure).value)) == ("discarded", b"")
    assert (letter_of(database, others).state, bytes(letter_of(database, others).value)) == ("open", b"a stranger's")
