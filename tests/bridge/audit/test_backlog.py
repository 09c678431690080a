"""The audit of what waits and what stands still: thoughts in work, the outbox, batches, dead letters in two places."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from confluent_kafka import Producer
from sqlalchemy import text

from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.audit.audit_runs import audited, end, kinds, letter, the_finding
from tests.bridge.running_relays import a_relay, add_row
from tests.bridge.thoughts import add_thought, add_user, change


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_partitions": 1}


def at_work(database: Database, ago: float, **columns: Any) -> UUID:
    """A thought in work whose beat was raised so many seconds ago."""
    thought = add_thought(database, add_user(database), status="processing", sends=1, **columns)
    change(database, thought, emitted_at="now")
    beat = text("UPDATE thoughts SET beat_at = now() - :ago * interval '1 s' WHERE id = :id")
    database.rows(beat, ago=ago, id=thought)
    return thought


@pytest.mark.usefixtures("topics")
@pytest.mark.parametrize(("ago", "silent"), [(20, False), (55, True)])
@pytest.mark.parametrize("in_call", [True, False])
def test_a_thought_that_nobody_took_over_in_twice_the_patience_is_found(
    settings: Settings, database: Database, ago: float, silent: bool, in_call: bool
) -> None:
    thought = at_work(database, ago, steps_done=0, call_id=uuid4() if in_call else None)
    figures = audited(settings, database)
    assert figures["adds_up"] is not silent
    if silent:
        assert f"thought {thought}: step 1 has been silent {'in' if in_call else 'before'} its call" in the_finding(
            figures, "silent"
        )


@pytest.mark.usefixtures("topics")
def test_patience_is_longer_for_a_message_that_was_sent_again_and_for_a_retry(
    settings: Settings, database: Database
) -> None:
    thought = at_work(database, 100)
    change(database, thought, sends=3)
    retried = at_work(database, 100)
    wait = text("UPDATE thoughts SET not_before = beat_at + interval '40 s' WHERE id = :id")
    database.rows(wait, id=retried)
    assert audited(settings, database)["adds_up"]
    for one in (thought, retried):
        change(database, one, sends=1, not_before=None)
    assert kinds(audited(settings, database)) == {"silent": 2}


@pytest.mark.usefixtures("topics")
def test_a_row_that_waits_for_more_than_a_minute_while_kafka_answers_is_found(
    settings: Settings, database: Database
) -> None:
    row = add_row(database, settings.kafka_events_topic)
    assert audited(settings, database)["adds_up"]
    database.rows(text("UPDATE outbox SET created_at = now() - interval '2 min'"))
    assert f"row {row}: it has waited for 1" in the_finding(audited(settings, database), "outbox")


@pytest.mark.usefixtures("topics")
def test_a_parked_row_is_found(settings: Settings, database: Database) -> None:
    row = add_row(database, settings.kafka_events_topic, key="anna")
    database.rows(text("UPDATE outbox SET parked_at = now(), parked_reason = 'too large'"))
    line = the_finding(audited(settings, database), "parked")
    assert f"row {row} for {settings.kafka_events_topic}, key anna: Kafka refuses it: too large" in line


@pytest.fixture
def published(settings: Settings, database: Database, topics: None) -> UUID:
    """A failed thought whose dead letter the relay has published."""
    thought = add_thought(database, add_user(database))
    end(database, thought, "failed", steps=2)
    letter(database, thought, f"{thought}:1")
    add_row(database, settings.kafka_dead_letter_topic, failure_id=f"{thought}:1", headers='{"reason": "permanent"}')
    with a_relay(settings) as relay:
        relay.step()
    return thought


def test_a_published_dead_letter_adds_up(settings: Settings, database: Database, published: UUID) -> None:
    figures = audited(settings, database)
    assert figures["adds_up"]
    assert (figures["dead_letters_indexed"], figures["dead_letters_in_topic"], figures["dead_letters_open"]) == (
        1,
        1,
        1,
    )


def test_a_record_of_the_dead_letter_topic_that_the_table_does_not_know_is_found(
    settings: Settings, database: Database, published: UUID
) -> None:
    database.rows(text("DELETE FROM dead_letters"))
    figures = audited(settings, database)
    assert kinds(figures) == {"letter": 2}
    said = {f"{one['subject']}: {one['line']}" for one in figures["found"]}
    assert any(f"failure {published}:1: it stands in the dead letter topic" in line for line in said)
    assert any(f"thought {published}: it failed in turn 1 and has no dead letter" in line for line in said)


@pytest.mark.usefixtures("topics")
def test_what_others_wrote_into_the_dead_letter_topic_is_no_finding(settings: Settings, database: Database) -> None:
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
    for headers in ({"failure-id": b"a\x00b"}, {"failure-id": b"theirs"}, {"failure-id": b"\xff", "reason": b"r"}):
        producer.produce(settings.kafka_dead_letter_topic, b"?", headers=[*headers.items()])
    assert producer.flush(20) == 0
    figures = audited(settings, database)
    assert (figures["adds_up"], figures["dead_letters_in_topic"]) == (True, 0)


def test_a_dead_letter_that_kafka_is_said_to_have_and_has_not_is_found(
    settings: Settings, database: Database, published: UUID
) -> None:
    letter(database, None, "f", partition=0, offset=0)
    assert "failure f: thought -'s dead letter should be in the topic, partition 0 offset 0" in the_finding(
        audited(settings, database), "letter"
    )


@pytest.mark.usefixtures("topics")
def test_a_dead_letter_that_is_neither_in_the_topic_nor_on_its_way_is_found(
    settings: Settings, database: Database
) -> None:
    letter(database, None, "f")
    add_row(database, settings.kafka_dead_letter_topic, failure_id="g", headers="{}")
    letter(database, None, "g")
    figures = audited(settings, database)
    assert figures["dead_letters_unpublished"] == 1
    assert "failure f: thought -'s dead letter should be in the topic, and is not on its way" in the_finding(
        figures, "letter"
    )


def test_an_open_dead_letter_of_a_thought_that_has_not_failed_is_found(
    settings: Settings, database: Database, published: UUID
) -> None:
    change(database, published, status="completed")
    figures = audited(settings, database)
    assert figures["findings"]["letter"] == 1
    change(database, published, status="failed")
    assert audited(settings, database)["adds_up"]


def without_kafka(settings: Settings) -> Settings:
    return settings.model_copy(update={"kafka_enabled": False, "kafka_bootstrap_servers": ""})


def test_without_kafka_the_rows_alone_are_looked_at(settings: Settings, database: Database) -> None:
    add_thought(database, add_user(database))
    figures = audited(without_kafka(settings), database)
    assert (figures["adds_up"], figures["mode"], figures["partitions"]) == (True, "batch", [])


def test_a_batch_that_no_bridge_begins_is_found(settings: Settings, database: Database) -> None:
    database.rows(text("INSERT INTO batches (asked_at) VALUES (now() - interval '20 s')"))
    assert audited(without_kafka(settings), database)["adds_up"]
    database.rows(text("UPDATE batches SET asked_at = now() - interval '2 min'"))
    assert "batch 1: it was asked for 1" in the_finding(audited(without_kafka(settings), database), "batch")
    database.rows(text("UPDATE batches SET begun_at = now()"))
    figures = audited(without_kafka(settings), database)
    assert (figures["adds_up"], figures["batches_open"]) == (True, 1)


@pytest.mark.usefixtures("topics")
def test_a_batch_that_was_asked_for_before_kafka_was_switched_on_is_no_finding(
    settings: Settings, database: Database
) -> None:
    database.rows(text("INSERT INTO batches (asked_at) VALUES (now() - interval '2 min')"))
    figures = audited(settings, database)
    assert (figures["adds_up"], figures["batches_open"]) == (True, 1)


def test_a_thought_taken_by_kafka_may_wait_for_the_night(settings: Settings, database: Database) -> None:
    thought = at_work(database, 600)
    assert audited(without_kafka(settings), database)["adds_up"]
    began = "INSERT INTO batches (asked_at, begun_at) VALUES (now() + interval '1 s', now() - interval '9 min')"
    database.rows(text(began))
    assert str(thought) in the_finding(audited(without_kafka(settings), database), "silent")
