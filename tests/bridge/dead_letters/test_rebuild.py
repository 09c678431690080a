"""A rebuild restores lost rows of the index from the topic, and leaves existing rows unchanged."""

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
from tests.bridge.corrupting_proxy import corrupting_proxy, produce_compressed
from tests.bridge.dead_letter_rows import (
    accept_thought,
    add_failed_thought,
    add_record_dead_letter,
    delete_thought,
    fail_thought,
    get_dead_letter,
    get_thought,
    publish_dead_letters,
)
from tests.bridge.thoughts import add_user

pytestmark = pytest.mark.usefixtures("topics")

RESTORED_COLUMNS = ("failure_id", "thought_id", "turn", "reason", "value", "headers", "kafka_partition", "kafka_offset")


def lose_index(database: Database) -> None:
    database.rows(text("DELETE FROM dead_letters"))


def read_index(database: Database) -> dict[str, dict[str, Any]]:
    """Return the rows by failure id, with the columns that a rebuild restores."""
    rows = database.rows(text("SELECT * FROM dead_letters"))
    letters = [{name: getattr(row, name) for name in RESTORED_COLUMNS} for row in rows]
    return {row["failure_id"]: row | {"value": row["value"] and bytes(row["value"])} for row in letters}


def test_a_rebuild_restores_lost_rows_as_they_were(settings: Settings, database: Database, user_id: UUID) -> None:
    source = capture_source(b"\xff key", [("traceparent", b"00-aa"), ("x", None), ("x", b"\x00")])
    position = origin(settings.kafka_topic, 2, 7, 99)
    thought = accept_thought(database, settings, user_id, source=source)
    fail_thought(database, thought, origin=position, stack="line 1\nline 2")
    add_failed_thought(database, settings, add_user(database))
    for offset, value in enumerate((b"\x00\xff", None, b"", b"{}")):
        add_record_dead_letter(database, settings, value, offset=offset, user_id=str(user_id))
    add_record_dead_letter(database, settings, b"?", offset=9, key=None, headers=[])
    publish_dead_letters(settings, database)
    before = read_index(database)
    lose_index(database)
    assert rebuild(database, settings) == RebuildResult(records=7, added=7)
    assert read_index(database) == before
    states = {row.state for row in database.rows(text("SELECT state FROM dead_letters"))}
    assert states == {"open"}


def test_a_second_rebuild_adds_nothing_and_leaves_existing_rows(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    existing, lost = add_failed_thought(database, settings, user_id), add_failed_thought(database, settings, user_id)
    discard(database, existing)
    publish_dead_letters(settings, database)
    before = get_dead_letter(database, existing)
    database.rows(text("DELETE FROM dead_letters WHERE failure_id = :id"), id=lost)
    assert rebuild(database, settings) == RebuildResult(records=2, added=1)
    assert rebuild(database, settings) == RebuildResult(records=2)
    assert get_dead_letter(database, existing) == before


def test_a_rebuild_adds_one_row_for_duplicate_records(settings: Settings, database: Database, user_id: UUID) -> None:
    failure = add_failed_thought(database, settings, user_id)
    for _ in range(2):
        publish_dead_letters(settings, database)
    lose_index(database)
    assert rebuild(database, settings) == RebuildResult(records=2, added=1)
    assert get_dead_letter(database, failure).state == "open"


def test_a_rebuild_marks_a_dead_letter_as_replayed_when_its_thought_has_a_later_turn(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure = add_failed_thought(database, settings, user_id)
    publish_dead_letters(settings, database)
    replay(database, failure, settings)
    again = fail_thought(database, get_thought(database, failure).id)
    database.rows(text("DELETE FROM outbox"))
    publish_dead_letters(settings, database)
    lose_index(database)
    rebuild(database, settings)
    assert (get_dead_letter(database, failure).state, get_dead_letter(database, again).state) == ("replayed", "open")
    assert replay(database, again, settings).description == "replayed as turn 3"


def test_a_rebuild_does_not_restore_the_text_of_a_deleted_thought(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure = add_failed_thought(database, settings, user_id, message="it said: secret")
    publish_dead_letters(settings, database)
    delete_thought(database, get_thought(database, failure).id)
    lose_index(database)
    rebuild(database, settings)
    letter = get_dead_letter(database, failure)
    assert (letter.state, bytes(letter.value)) == ("discarded", b"")
    assert "secret" not in json.dumps(letter.headers)


def test_a_rebuild_counts_and_ignores_foreign_records(settings: Settings, database: Database) -> None:
    valid: dict[str, str | bytes | None] = dict(
        kafka_headers("f", {"reason": "r", "attempts": 1, "origin": origin("t", 0, 0, 0)})
    )
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
    foreign: list[dict[str, str | bytes | None]] = [
        {},
        {"failure-id": b"f"},
        {"failure-id": b"\xff", "reason": b"r"},
        valid | {"attempts": b"many"},
        valid | {"attempts": b"9" * 30},
        valid | {"original-offset": b"9" * 30},
        valid | {"original-headers-left-out": b"some"},
    ]
    for headers in foreign:
        producer.produce(settings.kafka_dead_letter_topic, b"?", headers=headers)
    with_nul: dict[str, str | bytes | None] = valid | {"failure-id": b"a\x00b", "error-message": b"\x00", "mine": None}
    producer.produce(settings.kafka_dead_letter_topic, b"?", headers=with_nul)
    assert producer.flush(20) == 0
    assert rebuild(database, settings) == RebuildResult(records=8, added=1, other_records=7)
    assert rebuild(database, settings) == RebuildResult(records=8, other_records=7)


def test_a_rebuild_skips_corrupt_records(settings: Settings, database: Database, user_id: UUID) -> None:
    produce_compressed(settings, settings.kafka_dead_letter_topic, [b"a dead letter " * 99] * 2, "lz4")
    add_failed_thought(database, settings, user_id)
    publish_dead_letters(settings, database)
    lose_index(database)
    with corrupting_proxy(settings) as proxy:
        assert rebuild(database, proxy.settings) == RebuildResult(records=3, added=1, other_records=2)


def test_a_rebuild_reports_an_unavailable_kafka_in_one_line(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.kafka.topic_reader.REQUEST_TIMEOUT_SECONDS", 1.0)
    unreachable = settings.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:9"})
    with pytest.raises(SystemExit, match=r"could not be read.*Is Kafka running"):
        rebuild(database, unreachable)


def test_a_rebuild_does_not_restore_a_dead_lettered_event_of_a_thought_that_was_deleted_later(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    thought = accept_thought(database, settings, user_id)
    claimed: dict[str, Any] = {"user_id": str(user_id), "thought_id": str(thought)}
    failure = add_record_dead_letter(database, settings, b"its text", reason="unknown-user", **claimed)
    other_user = claimed | {"user_id": str(add_user(database))}
    other_failure = add_record_dead_letter(database, settings, b"another user's", offset=43, **other_user)
    publish_dead_letters(settings, database)
    delete_thought(database, thought)
    lose_index(database)
    rebuild(database, settings)
    own, other = get_dead_letter(database, failure), get_dead_letter(database, other_failure)
    assert (own.state, bytes(own.value)) == ("discarded", b"")
    assert (other.state, bytes(other.value)) == ("open", b"another user's")
