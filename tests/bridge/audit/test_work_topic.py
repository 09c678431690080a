"""The audit of the work topic: it counts every record once, and reports commits past open thoughts."""

from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from sqlalchemy import text

from bridge.audit.audit import Audit
from contracts.database import Database
from contracts.dead_letters import corrupt_origin, origin, record_failure_id
from contracts.events import thought_created
from contracts.settings import Settings
from tests.bridge.audit.audit_runs import (
    add_completed_line,
    add_dead_letter,
    finding_kinds,
    finish,
    only_finding,
    publish_records,
    run_audit,
)
from tests.bridge.corrupting_proxy import corrupting_proxy, produce_compressed
from tests.bridge.kafka_sources import commit_offset, open_transaction, produce, topic_id
from tests.bridge.running_relays import add_outbox_row
from tests.bridge.thoughts import add_thought, add_user, update_thought
from tests.bridge.topic_contents import read_records
from tests.webapp.accounts.joined_users import add_pair

pytestmark = pytest.mark.usefixtures("topics")


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_partitions": 1}


def expire_records(settings: Settings, below: int) -> None:
    """Delete the records below an offset, as at the end of their retention."""
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    expired = TopicPartition(settings.kafka_topic, 0, below)
    next(iter(admin.delete_records([expired]).values())).result(20)


def count_states(settings: Settings, database: Database) -> dict[str, int]:
    """Audit, and return the number of records in each state that occurs."""
    (partition,) = run_audit(settings, database)["partitions"]
    return {state: number for state, number in partition["records"].items() if number}


def test_a_topic_without_records_is_consistent(settings: Settings, database: Database) -> None:
    figures = run_audit(settings, database)
    assert figures["consistent"]
    (partition,) = figures["partitions"]
    assert (partition["first"], partition["end"], partition["committed"], partition["lag"]) == (0, 0, -1, 0)


def test_the_audit_counts_every_record_by_the_state_of_its_thought(settings: Settings, database: Database) -> None:
    user = add_user(database)
    completed, failed, replayed, in_flight, waiting = [add_thought(database, user) for _ in range(5)]
    deleted = add_thought(database, add_user(database))
    publish_records(settings, database, completed, failed, replayed)
    produce(settings, [b"no event"])
    produce(settings, [thought_created(add_user(database), in_flight, "of another author").to_bytes()])
    (invalid,) = [record for record in read_records(settings, settings.kafka_topic) if record.value() == b"no event"]
    position = origin(settings.kafka_topic, 0, invalid.offset() or 0, invalid.timestamp()[1])
    add_dead_letter(database, None, record_failure_id(position, b"no event"))
    for thought in (completed, replayed):
        finish(database, thought)
    finish(database, failed, "failed", steps=2)
    add_dead_letter(database, failed, f"{failed}:2")
    add_dead_letter(database, replayed, f"{replayed}:3")
    update_thought(database, replayed, turn=4711)
    update_thought(database, in_flight, status="processing", turn=4712)
    update_thought(database, waiting, turn=4713)
    publish_records(settings, database, in_flight, waiting, deleted)
    update_thought(database, deleted, status="deleted", finished_at="now", text="", steps_done=5)
    commit_offset(settings, 4, topic_id(settings))
    figures = run_audit(settings, database)
    (partition,) = figures["partitions"]
    expected = {"completed": 1, "failed": 1, "deleted": 1, "replayed": 1, "dead_lettered": 1, "foreign": 0}
    expected |= {"moved": 0, "in_flight": 1, "waiting": 1, "unknown": 1, "withheld": 0, "gaps": 0}
    assert partition["records"] == expected
    assert (partition["end"], partition["committed"], partition["lag"]) == (8, 4, 4)


def test_a_record_of_a_line_that_joined_an_account_may_be_committed(settings: Settings, database: Database) -> None:
    pair = add_pair(database, settings)
    completed, waiting = (add_thought(database, pair.anonymous) for _ in range(2))
    finish(database, completed)
    publish_records(settings, database, completed, waiting)
    pair.join()
    commit_offset(settings, 2, topic_id(settings))
    figures = run_audit(settings, database)
    records = figures["partitions"][0]["records"]
    assert (records["completed"], records["moved"], records["unknown"]) == (1, 1, 0)
    assert figures["consistent"], figures["finding_details"]


def test_the_audit_ignores_a_turn_that_the_thought_never_had(settings: Settings, database: Database) -> None:
    """A producer may write any turn; the audit still reports a commit past the open thought."""
    thought = add_thought(database, add_user(database), emitted_at="now")
    event = database.rows(text("SELECT event FROM thoughts WHERE id = :id"), id=thought)[0].event
    produce(settings, [bytes(event)], turn=b"9")
    commit_offset(settings, 1, topic_id(settings))
    figures = run_audit(settings, database)
    assert figures["partitions"][0]["records"]["waiting"] == 1
    assert figures["findings"]["frontier"] == 1


def test_the_audit_reports_a_commit_past_an_open_thought(settings: Settings, database: Database) -> None:
    add_completed_line(settings, database, 2)
    user = add_user(database)
    thought = add_thought(database, user, emitted_at="now")
    publish_records(settings, database, thought)
    assert run_audit(settings, database)["consistent"]
    commit_offset(settings, 3, topic_id(settings))
    line = only_finding(run_audit(settings, database), "frontier")
    assert f"offset 2 thought {thought}" in line
    assert "is past this record, which is waiting" in line


def test_the_audit_reports_a_commit_past_an_unreadable_record_without_a_dead_letter(
    settings: Settings, database: Database
) -> None:
    produce(settings, [b"no event"])
    commit_offset(settings, 1, topic_id(settings))
    line = only_finding(run_audit(settings, database), "frontier")
    assert line.startswith("partition 0 offset 0 unreadable record: ")


def test_the_audit_counts_corrupt_records_as_dead_lettered_or_unknown(settings: Settings, database: Database) -> None:
    add_completed_line(settings, database, 2)
    produce_compressed(settings, settings.kafka_topic, [b"no event " * 99] * 3, "lz4")
    publish_records(settings, database, add_thought(database, add_user(database)))
    for offset in (2, 3):
        position = corrupt_origin(settings.kafka_topic, 0, offset, topic_id(settings))
        failure_id = record_failure_id(position, None)
        add_dead_letter(database, None, failure_id)
        add_outbox_row(database, settings.kafka_dead_letter_topic, failure_id=failure_id, headers="{}")
    commit_offset(settings, 4, topic_id(settings))
    with corrupting_proxy(settings) as proxy:
        figures = run_audit(proxy.settings, database)
    assert figures["consistent"], figures["finding_details"]
    expected = {"completed": 2, "dead_lettered": 2, "unknown": 1, "waiting": 1, "gaps": 0}
    assert expected.items() <= figures["partitions"][0]["records"].items()


def test_an_external_record_stands_for_the_first_turn_of_its_thought(settings: Settings, database: Database) -> None:
    """Its thought failed, and a replay gave it a new turn and its own record, so the offset may stay committed."""
    user = add_user(database)
    thought = add_thought(database, user)
    event = thought_created(user, thought, "A thought").to_bytes()
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
    producer.produce(settings.kafka_topic, event, key=str(user), partition=0)
    assert producer.flush(20) == 0
    assert run_audit(settings, database)["partitions"][0]["records"]["waiting"] == 1
    add_dead_letter(database, thought, f"{thought}:1")
    update_thought(database, thought, turn=2)
    publish_records(settings, database, thought)
    commit_offset(settings, 1, topic_id(settings))
    assert count_states(settings, database) == {"replayed": 1, "waiting": 1}


def test_the_audit_distinguishes_offsets_that_a_transaction_withholds_from_gaps(
    settings: Settings, database: Database
) -> None:
    thoughts = [add_thought(database, add_user(database)) for _ in range(2)]
    with open_transaction(settings) as producer:
        producer.produce(settings.kafka_topic, b"no event", partition=0)
        assert producer.flush(20) == 0
        publish_records(settings, database, thoughts[0])
        assert count_states(settings, database) == {"withheld": 2}
        producer.abort_transaction(20)
    publish_records(settings, database, thoughts[1])
    assert count_states(settings, database) == {
        "waiting": 2,
        "gaps": 2,
    }  # the aborted record and the marker


@pytest.mark.parametrize("offset", [2, 900])
def test_the_audit_reports_a_commit_outside_the_log(settings: Settings, database: Database, offset: int) -> None:
    add_completed_line(settings, database, 5)
    expire_records(settings, 3)
    commit_offset(settings, offset, topic_id(settings))
    line = only_finding(run_audit(settings, database), "commit")
    assert f"committed offset {offset} is outside the log's range 3 to 5" in line


def test_the_audit_reports_a_commit_for_a_former_topic(settings: Settings, database: Database) -> None:
    add_completed_line(settings, database)
    commit_offset(settings, 3, "another-topics-id")
    assert "was recreated" in only_finding(run_audit(settings, database), "commit")


def test_a_kept_audit_keeps_its_counts_of_records_that_expire(settings: Settings, database: Database) -> None:
    add_completed_line(settings, database, 4)
    audit = Audit(settings, database, whole=False)
    first = audit.run(wait=lambda _: None)
    expire_records(settings, 4)
    publish_records(settings, database, add_thought(database, add_user(database)))
    second = audit.run(wait=lambda _: None)
    audit.close()
    assert (first["users_checked"], second["users_checked"]) == (1, 1)
    (partition,) = second["partitions"]
    assert (partition["first"], partition["end"]) == (0, 5)
    assert (partition["records"]["completed"], partition["records"]["waiting"]) == (4, 1)
    (new_audit,) = run_audit(settings, database)["partitions"]
    assert (new_audit["first"], new_audit["end"]) == (4, 5)


def test_a_kept_audit_reads_open_records_again(settings: Settings, database: Database) -> None:
    thought = add_thought(database, add_user(database))
    publish_records(settings, database, thought)
    audit = Audit(settings, database, whole=False)
    assert audit.run(wait=lambda _: None)["partitions"][0]["records"]["waiting"] == 1
    finish(database, thought)
    assert audit.run(wait=lambda _: None)["partitions"][0]["records"]["completed"] == 1
    audit.close()


def test_an_open_thought_needs_a_record_of_its_own_or_of_a_later_one(settings: Settings, database: Database) -> None:
    user = add_user(database)
    older, newer = add_thought(database, user), add_thought(database, user)
    for thought in (older, newer):
        update_thought(database, thought, emitted_at="2020-01-01")
    assert finding_kinds(run_audit(settings, database)) == {"no_record": 1}
    publish_records(settings, database, older)
    line = only_finding(run_audit(settings, database), "no_record")
    assert str(newer) in line
    publish_records(settings, database, newer)
    assert run_audit(settings, database)["consistent"]


def test_an_outbox_row_counts_like_a_record(settings: Settings, database: Database) -> None:
    user = add_user(database)
    update_thought(database, add_thought(database, user), emitted_at="2020-01-01")
    insert = text("INSERT INTO outbox (topic, key, turn, value) VALUES (:topic, CAST(:user AS text), 1, '')")
    database.rows(insert, topic=settings.kafka_topic, user=str(user))
    assert run_audit(settings, database)["consistent"]


def test_the_audit_counts_but_does_not_report_a_thought_that_the_sweep_will_re_emit(
    settings: Settings, database: Database
) -> None:
    update_thought(database, add_thought(database, add_user(database)), emitted_at="now")
    figures = run_audit(settings, database)
    assert figures["consistent"]
    assert figures["users_without_record"] == 1
