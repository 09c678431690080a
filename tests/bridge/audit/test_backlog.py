"""The audit of the backlog and of dead letters: thoughts in work, the outbox, batches, the index and the topic."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from confluent_kafka import Producer
from sqlalchemy import text

from bridge.dead_letters.republish import RepublishResult, republish
from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.audit.audit_runs import add_dead_letter, finding_kinds, finish, only_finding, run_audit
from tests.bridge.running_relays import add_outbox_row, idle_relay
from tests.bridge.thoughts import add_thought, add_user, update_thought
from webapp.cancellation import cancel


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_partitions": 1}


def add_thought_in_work(database: Database, seconds: float, **columns: Any) -> UUID:
    """Add a thought in work whose last heartbeat was so many seconds ago."""
    thought = add_thought(database, add_user(database), status="processing", sends=1, **columns)
    update_thought(database, thought, emitted_at="now")
    statement = text("UPDATE thoughts SET beat_at = now() - :ago * interval '1 s' WHERE id = :id")
    database.rows(statement, ago=seconds, id=thought)
    return thought


@pytest.mark.usefixtures("topics")
@pytest.mark.parametrize(("seconds", "is_stalled"), [(20, False), (55, True)])
@pytest.mark.parametrize("in_call", [True, False])
def test_the_audit_reports_a_thought_that_no_bridge_took_over_within_two_leases(
    settings: Settings, database: Database, seconds: float, is_stalled: bool, in_call: bool
) -> None:
    thought = add_thought_in_work(database, seconds, steps_done=0, call_id=uuid4() if in_call else None)
    figures = run_audit(settings, database)
    assert figures["consistent"] is not is_stalled
    if is_stalled:
        line = only_finding(figures, "stalled")
        assert f"thought {thought}: step 1 has had no heartbeat {'in' if in_call else 'before'} its call for" in line


@pytest.mark.usefixtures("topics")
def test_the_audit_waits_longer_for_a_message_that_was_sent_again_and_for_a_retry(
    settings: Settings, database: Database
) -> None:
    thought = add_thought_in_work(database, 100)
    update_thought(database, thought, sends=3)
    retried = add_thought_in_work(database, 100)
    retry_later = text("UPDATE thoughts SET not_before = beat_at + interval '40 s' WHERE id = :id")
    database.rows(retry_later, id=retried)
    assert run_audit(settings, database)["consistent"]
    for thought_id in (thought, retried):
        update_thought(database, thought_id, sends=1, not_before=None)
    assert finding_kinds(run_audit(settings, database)) == {"stalled": 2}


@pytest.mark.usefixtures("topics")
def test_the_audit_reports_an_outbox_row_that_waits_for_over_a_minute_while_kafka_is_available(
    settings: Settings, database: Database
) -> None:
    row = add_outbox_row(database, settings.kafka_events_topic)
    assert run_audit(settings, database)["consistent"]
    database.rows(text("UPDATE outbox SET created_at = now() - interval '2 min'"))
    assert f"row {row}: it has waited for 1" in only_finding(run_audit(settings, database), "outbox")


@pytest.mark.usefixtures("topics")
def test_the_audit_reports_a_parked_outbox_row(settings: Settings, database: Database) -> None:
    row = add_outbox_row(database, settings.kafka_events_topic, key="anna")
    database.rows(text("UPDATE outbox SET parked_at = now(), parked_reason = 'too large'"))
    line = only_finding(run_audit(settings, database), "parked")
    assert f"row {row} for {settings.kafka_events_topic}, key anna: " in line
    assert "it is parked and will not be published: too large. " in line


@pytest.fixture
def published(settings: Settings, database: Database, topics: None) -> UUID:
    """Add a failed thought whose dead letter the relay has published."""
    thought = add_thought(database, add_user(database))
    finish(database, thought, "failed", steps=2)
    failure_id = f"{thought}:1"
    add_dead_letter(database, thought, failure_id)
    headers = '{"reason": "permanent"}'
    add_outbox_row(database, settings.kafka_dead_letter_topic, failure_id=failure_id, headers=headers)
    with idle_relay(settings) as relay:
        relay.run_pass()
    return thought


def test_a_published_dead_letter_is_consistent(settings: Settings, database: Database, published: UUID) -> None:
    figures = run_audit(settings, database)
    assert figures["consistent"]
    assert (figures["dead_letters_indexed"], figures["dead_letters_in_topic"], figures["dead_letters_open"]) == (
        1,
        1,
        1,
    )


def test_the_audit_reports_a_record_of_the_dead_letter_topic_that_is_not_in_the_index(
    settings: Settings, database: Database, published: UUID
) -> None:
    database.rows(text("DELETE FROM dead_letters"))
    figures = run_audit(settings, database)
    assert finding_kinds(figures) == {"dead_letter": 2}
    lines = {f"{finding['subject']}: {finding['text']}" for finding in figures["finding_details"]}
    assert any(f"failure {published}:1: it is in the dead letter topic" in line for line in lines)
    assert any(f"thought {published}: it failed in turn 1 and has no dead letter" in line for line in lines)


@pytest.mark.usefixtures("topics")
def test_the_audit_ignores_foreign_records_in_the_dead_letter_topic(settings: Settings, database: Database) -> None:
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
    for headers in ({"failure-id": b"a\x00b"}, {"failure-id": b"theirs"}, {"failure-id": b"\xff", "reason": b"r"}):
        producer.produce(settings.kafka_dead_letter_topic, b"?", headers=[*headers.items()])
    assert producer.flush(20) == 0
    figures = run_audit(settings, database)
    assert (figures["consistent"], figures["dead_letters_in_topic"]) == (True, 0)


def test_the_audit_reports_an_acknowledged_dead_letter_that_the_topic_lacks(
    settings: Settings, database: Database, published: UUID
) -> None:
    add_dead_letter(database, None, "f", partition=0, offset=0)
    line = only_finding(run_audit(settings, database), "dead_letter")
    assert "failure f: the dead letter of a record should be at partition 0 offset 0 of the dead letter topic" in line


@pytest.mark.usefixtures("topics")
def test_the_audit_reports_a_dead_letter_that_is_neither_in_the_topic_nor_in_the_outbox(
    settings: Settings, database: Database
) -> None:
    add_dead_letter(database, None, "f")
    add_outbox_row(database, settings.kafka_dead_letter_topic, failure_id="g", headers="{}")
    add_dead_letter(database, None, "g")
    figures = run_audit(settings, database)
    assert figures["dead_letters_unpublished"] == 1
    line = only_finding(figures, "dead_letter")
    assert "failure f: the dead letter of a record was never published and has no outbox row" in line


@pytest.mark.usefixtures("topics")
def test_neither_the_audit_nor_a_republication_expects_a_cancelled_thought_in_the_topic(
    settings: Settings, database: Database
) -> None:
    user = add_user(database)
    thought = add_thought(database, user)
    cancel(database, settings, user, thought, 1)
    database.rows(text("DELETE FROM outbox"))
    figures = run_audit(settings, database)
    counts = [figures[f"dead_letters_{name}"] for name in ("indexed", "open", "unpublished", "in_topic")]
    assert (figures["consistent"], counts) == (True, [1, 0, 0, 0])
    assert republish(database, settings, dry_run=False) == RepublishResult(expected=0, missing=0, written=0)


def test_the_audit_reports_an_open_dead_letter_of_a_thought_that_has_not_failed(
    settings: Settings, database: Database, published: UUID
) -> None:
    update_thought(database, published, status="completed")
    figures = run_audit(settings, database)
    assert figures["findings"]["dead_letter"] == 1
    update_thought(database, published, status="failed")
    assert run_audit(settings, database)["consistent"]


def without_kafka(settings: Settings) -> Settings:
    return settings.model_copy(update={"kafka_enabled": False, "kafka_bootstrap_servers": ""})


def test_the_audit_without_kafka_checks_only_rows(settings: Settings, database: Database) -> None:
    add_thought(database, add_user(database))
    figures = run_audit(without_kafka(settings), database)
    assert (figures["consistent"], figures["mode"], figures["partitions"]) == (True, "batch", [])


def test_the_audit_reports_a_batch_that_no_bridge_begins(settings: Settings, database: Database) -> None:
    database.rows(text("INSERT INTO batches (asked_at) VALUES (now() - interval '20 s')"))
    assert run_audit(without_kafka(settings), database)["consistent"]
    database.rows(text("UPDATE batches SET asked_at = now() - interval '2 min'"))
    assert "batch 1: it was requested 1" in only_finding(run_audit(without_kafka(settings), database), "batch")
    database.rows(text("UPDATE batches SET begun_at = now()"))
    figures = run_audit(without_kafka(settings), database)
    assert (figures["consistent"], figures["batches_open"]) == (True, 1)


@pytest.mark.usefixtures("topics")
def test_the_audit_ignores_a_batch_that_was_requested_before_kafka_was_enabled(
    settings: Settings, database: Database
) -> None:
    database.rows(text("INSERT INTO batches (asked_at) VALUES (now() - interval '2 min')"))
    figures = run_audit(settings, database)
    assert (figures["consistent"], figures["batches_open"]) == (True, 1)


def test_a_thought_that_kafka_mode_left_in_work_may_wait_for_the_next_batch(
    settings: Settings, database: Database
) -> None:
    thought = add_thought_in_work(database, 600)
    assert run_audit(without_kafka(settings), database)["consistent"]
    begin_batch = "INSERT INTO batches (asked_at, begun_at) VALUES (now() + interval '1 s', now() - interval '9 min')"
    database.rows(text(begin_batch))
    assert str(thought) in only_finding(run_audit(without_kafka(settings), database), "stalled")
