"""The audit of the work topic: every record is counted once, and no commit is past an open thought."""

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
from tests.bridge.audit.audit_runs import audited, completed_line, end, kinds, letter, ring, the_finding
from tests.bridge.corrupting_proxy import corrupting_proxy, produce_packed
from tests.bridge.kafka_sources import a_transaction, commit_by_hand, produce, topic_id
from tests.bridge.running_relays import add_row
from tests.bridge.thoughts import add_thought, add_user, change
from tests.bridge.topic_contents import records

pytestmark = pytest.mark.usefixtures("topics")


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_partitions": 1}


def forget_records(settings: Settings, below: int) -> None:
    """As when their retention has ended."""
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    gone = TopicPartition(settings.kafka_topic, 0, below)
    next(iter(admin.delete_records([gone]).values())).result(20)


def test_a_topic_without_records_adds_up(settings: Settings, database: Database) -> None:
    figures = audited(settings, database)
    assert figures["adds_up"]
    (partition,) = figures["partitions"]
    assert (partition["first"], partition["end"], partition["committed"], partition["lag"]) == (0, 0, -1, 0)


def test_every_record_is_counted_as_what_its_thought_has_become(settings: Settings, database: Database) -> None:
    user = add_user(database)
    completed, failed, replayed, at_work, waits = [add_thought(database, user) for _ in range(5)]
    foreign = add_thought(database, add_user(database))
    ring(settings, database, completed, failed, replayed)
    produce(settings, [b"no event"])
    produce(settings, [thought_created(add_user(database), at_work, "of another author").to_bytes()])
    (buried,) = [one for one in records(settings, settings.kafka_topic) if one.value() == b"no event"]
    where = origin(settings.kafka_topic, 0, buried.offset() or 0, buried.timestamp()[1])
    letter(database, None, record_failure_id(where, b"no event"))
    for done in (completed, replayed):
        end(database, done)
    end(database, failed, "failed", steps=2)
    letter(database, failed, f"{failed}:2")
    letter(database, replayed, f"{replayed}:3")
    change(database, replayed, turn=4711)
    change(database, at_work, status="processing", turn=4712)
    change(database, waits, turn=4713)
    ring(settings, database, at_work, waits, foreign)
    change(database, foreign, status="deleted", finished_at="now", text="", steps_done=5)
    commit_by_hand(settings, 4, topic_id(settings))
    figures = audited(settings, database)
    (partition,) = figures["partitions"]
    expected = {"completed": 1, "dead": 1, "deleted": 1, "moved_on": 1, "buried": 1}
    expected |= {"in_flight": 1, "waiting": 1, "unknown": 1, "withheld": 0, "gaps": 0}
    assert partition["records"] == expected
    assert (partition["end"], partition["committed"], partition["lag"]) == (8, 4, 4)


def test_a_turn_that_a_thought_never_had_tells_nothing_of_its_record(settings: Settings, database: Database) -> None:
    """Whoever writes to the topic may write any turn: a commit past the open thought is found all the same."""
    thought = add_thought(database, add_user(database), emitted_at="now")
    event = database.rows(text("SELECT event FROM thoughts WHERE id = :id"), id=thought)[0].event
    produce(settings, [bytes(event)], turn=b"9")
    commit_by_hand(settings, 1, topic_id(settings))
    figures = audited(settings, database)
    assert figures["partitions"][0]["records"]["waiting"] == 1
    assert figures["findings"]["frontier"] == 1


def test_a_commit_past_an_open_thought_is_found_and_named(settings: Settings, database: Database) -> None:
    completed_line(settings, database, 2)
    user = add_user(database)
    thought = add_thought(database, user, emitted_at="now")
    ring(settings, database, thought)
    assert audited(settings, database)["adds_up"]
    commit_by_hand(settings, 3, topic_id(settings))
    line = the_finding(audited(settings, database), "frontier")
    assert f"offset 2 thought {thought}" in line
    assert "is past this record, which is waiting" in line


def test_a_commit_past_a_record_that_was_never_buried_is_found(settings: Settings, database: Database) -> None:
    produce(settings, [b"no event"])
    commit_by_hand(settings, 1, topic_id(settings))
    assert "thought none, it is unreadable" in the_finding(audited(settings, database), "frontier")


def test_offsets_that_nobody_can_read_are_counted_as_buried_or_not(settings: Settings, database: Database) -> None:
    completed_line(settings, database, 2)
    produce_packed(settings, settings.kafka_topic, [b"no event " * 99] * 3, "lz4")
    ring(settings, database, add_thought(database, add_user(database)))
    for offset in (2, 3):
        where = corrupt_origin(settings.kafka_topic, 0, offset, topic_id(settings))
        letter(database, None, record_failure_id(where, None))
        add_row(database, settings.kafka_dead_letter_topic, failure_id=record_failure_id(where, None), headers="{}")
    commit_by_hand(settings, 4, topic_id(settings))
    with corrupting_proxy(settings) as proxy:
        figures = audited(proxy.settings, database)
    assert figures["adds_up"], figures["found"]
    found = figures["partitions"][0]["records"]
    assert (found["completed"], found["buried"], found["unknown"], found["waiting"], found["gaps"]) == (2, 2, 1, 1, 0)


def test_a_foreign_record_rang_for_the_first_turn_of_its_thought(settings: Settings, database: Database) -> None:
    """Its thought failed, and a replay gave it a turn and a record of its own: the offset may stay committed."""
    user = add_user(database)
    thought = add_thought(database, user)
    event = thought_created(user, thought, "A thought").to_bytes()
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
    producer.produce(settings.kafka_topic, event, key=str(user), partition=0)
    assert producer.flush(20) == 0
    assert audited(settings, database)["partitions"][0]["records"]["waiting"] == 1
    letter(database, thought, f"{thought}:1")
    change(database, thought, turn=2)
    ring(settings, database, thought)
    commit_by_hand(settings, 1, topic_id(settings))
    found = audited(settings, database)["partitions"][0]["records"]
    assert (found["moved_on"], found["waiting"]) == (1, 1)


def test_what_a_transaction_withholds_is_told_apart_from_gaps(settings: Settings, database: Database) -> None:
    thoughts = [add_thought(database, add_user(database)) for _ in range(2)]
    with a_transaction(settings) as producer:
        producer.produce(settings.kafka_topic, b"no event", partition=0)
        assert producer.flush(20) == 0
        ring(settings, database, thoughts[0])
        assert counted(settings, database) == {"withheld": 2}
        producer.abort_transaction(20)
    ring(settings, database, thoughts[1])
    assert counted(settings, database) == {"waiting": 2, "gaps": 2}  # what was aborted, and the mark of it


def counted(settings: Settings, database: Database) -> dict[str, int]:
    """The states that some records have."""
    (partition,) = audited(settings, database)["partitions"]
    return {state: number for state, number in partition["records"].items() if number}


@pytest.mark.parametrize("offset", [2, 900])
def test_a_commit_outside_of_the_log_is_found(settings: Settings, database: Database, offset: int) -> None:
    completed_line(settings, database, 5)
    forget_records(settings, 3)
    commit_by_hand(settings, offset, topic_id(settings))
    assert f"committed offset {offset} is outside of 3 to 5" in the_finding(audited(settings, database), "commit")


def test_a_commit_for_a_log_that_is_gone_is_found(settings: Settings, database: Database) -> None:
    completed_line(settings, database)
    commit_by_hand(settings, 3, "another-topics-id")
    assert "made anew" in the_finding(audited(settings, database), "commit")


def test_what_a_kept_audit_counted_stays_counted_when_it_expires(settings: Settings, database: Database) -> None:
    completed_line(settings, database, 4)
    audit = Audit(settings, database, whole=False)
    first = audit.run(wait=lambda _: None)
    forget_records(settings, 4)
    ring(settings, database, add_thought(database, add_user(database)))
    second = audit.run(wait=lambda _: None)
    audit.close()
    assert (first["users_checked"], second["users_checked"]) == (1, 1)
    (partition,) = second["partitions"]
    assert (partition["first"], partition["end"]) == (0, 5)
    assert (partition["records"]["completed"], partition["records"]["waiting"]) == (4, 1)
    (anew,) = audited(settings, database)["partitions"]
    assert (anew["first"], anew["end"]) == (4, 5)


def test_what_a_kept_audit_saw_open_is_looked_at_again(settings: Settings, database: Database) -> None:
    thought = add_thought(database, add_user(database))
    ring(settings, database, thought)
    audit = Audit(settings, database, whole=False)
    assert audit.run(wait=lambda _: None)["partitions"][0]["records"]["waiting"] == 1
    end(database, thought)
    assert audit.run(wait=lambda _: None)["partitions"][0]["records"]["completed"] == 1
    audit.close()


def test_an_open_thought_is_rung_for_by_a_record_of_a_later_one(settings: Settings, database: Database) -> None:
    user = add_user(database)
    older, newer = add_thought(database, user), add_thought(database, user)
    for thought in (older, newer):
        change(database, thought, emitted_at="2020-01-01")
    assert kinds(audited(settings, database)) == {"unrung": 1}
    ring(settings, database, older)
    line = the_finding(audited(settings, database), "unrung")
    assert str(newer) in line
    ring(settings, database, newer)
    assert audited(settings, database)["adds_up"]


def test_a_row_of_the_outbox_rings_as_well(settings: Settings, database: Database) -> None:
    user = add_user(database)
    change(database, add_thought(database, user), emitted_at="2020-01-01")
    insert = text("INSERT INTO outbox (topic, key, turn, value) VALUES (:topic, CAST(:user AS text), 1, '')")
    database.rows(insert, topic=settings.kafka_topic, user=str(user))
    assert audited(settings, database)["adds_up"]


def test_what_the_sweep_will_ring_for_is_counted_and_no_finding(settings: Settings, database: Database) -> None:
    change(database, add_thought(database, add_user(database)), emitted_at="now")
    figures = audited(settings, database)
    assert figures["adds_up"]
    assert figures["unrung_users"] == 1
