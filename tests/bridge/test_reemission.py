"""Tests of bridge, relay and workers together while Kafka loses records or gains partitions.

Every thought is completed once, in its author's order.
"""

from contextlib import ExitStack
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions
from sqlalchemy import text

from bridge.relay import sweep
from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.audit.audit_runs import run_audit
from tests.bridge.kafka_sources import commit_offset, fetch_commit, recreate_topic, topic_id
from tests.bridge.running_bridges import restarting_bridge
from tests.bridge.running_relays import pending_ids, running_relay
from tests.bridge.thoughts import COUNT_OPEN_THOUGHTS, ThoughtsByUser, accept_thoughts, add_user
from tests.bridge.topic_contents import read_records
from tests.bridge.worker_threads import Completions, completed_thoughts, running_workers
from tests.eventually import eventually

pytestmark = pytest.mark.usefixtures("topics")


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_seconds": 2.0, "lease_renew_seconds": 0.5}


@pytest.fixture(autouse=True)
def frequent_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "SWEEP_INTERVAL_SECONDS", 0.2)


def wait_until_claimed(database: Database, users: int) -> None:
    """Wait until the head of every line is claimed, and the outbox is published."""
    count_processing = text("SELECT count(*) FROM thoughts WHERE status = 'processing'")
    eventually(lambda: database.rows(count_processing)[0][0] == users and not pending_ids(database), timeout=60)


def move_back_six_hours(database: Database) -> None:
    """Move back the times of open thoughts, so that the sweep finds them due."""
    move_back = (
        "UPDATE thoughts SET emitted_at = emitted_at - i, beat_at = beat_at - i FROM (SELECT interval '6 h' AS i) l"
    )
    database.rows(text(f"{move_back} WHERE finished_at IS NULL"))


def wait_until_finished_by_the_sweep(database: Database) -> None:
    """Make open thoughts due for the sweep again and again, until none is open."""

    def are_finished() -> bool:
        move_back_six_hours(database)
        return bool(database.rows(COUNT_OPEN_THOUGHTS)[0][0] == 0)

    eventually(are_finished, timeout=120)


def assert_completed(settings: Settings, database: Database, lines: ThoughtsByUser, completions: Completions) -> None:
    """Check that every thought was completed once, in its line's order, and that the audit finds no inconsistency."""
    assert len(completions) == sum(map(len, lines.values()))
    assert {user: completed_thoughts(user, completions) for user in lines} == lines
    eventually(lambda: run_audit(settings, database)["consistent"], timeout=60)


def test_thoughts_are_completed_when_the_topic_is_recreated_under_a_running_bridge(
    settings: Settings, database: Database
) -> None:
    users = [add_user(database) for _ in range(5)]
    with running_relay(settings), restarting_bridge(settings):
        lines = accept_thoughts(settings, database, users, 4)
        wait_until_claimed(database, 5)
        recreate_topic(settings)
        with running_workers(settings, database) as completions:
            wait_until_finished_by_the_sweep(database)
    assert_completed(settings, database, lines, completions)


def test_thoughts_are_completed_when_their_records_expire_unread(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    users = [add_user(database) for _ in range(5)]
    with running_relay(settings):
        lines = accept_thoughts(settings, database, users, 3)
        eventually(lambda: not pending_ids(database))
        delete_all_records(settings)
        with running_workers(settings, database) as completions, restarting_bridge(settings):
            wait_until_finished_by_the_sweep(database)
    assert "is outside the log's range" in caplog.text
    assert_completed(settings, database, lines, completions)


def delete_all_records(settings: Settings) -> None:
    """Delete all records, so that the committed offset 0 is below the log's first offset."""
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    ends = dict.fromkeys(range(settings.kafka_partitions), 0)
    for record in read_records(settings, settings.kafka_topic):
        ends[record.partition() or 0] += 1
    for partition in ends:
        commit_offset(settings, 0, topic_id(settings), partition)
    deleted_below = [TopicPartition(settings.kafka_topic, partition, end) for partition, end in ends.items()]
    for deletion in admin.delete_records(deleted_below).values():
        deletion.result(20)


def test_the_bridge_corrects_a_commit_beyond_an_empty_log(settings: Settings, database: Database) -> None:
    """Otherwise records that are written up to that offset while no bridge runs would be skipped unnoticed."""
    commit_offset(settings, 900, topic_id(settings), 2)
    with restarting_bridge(settings):
        eventually(lambda: (fetch_commit(settings, 2) or (0,))[0] == 0, timeout=30)


def test_the_bridge_reads_a_log_from_its_start_with_an_alarm_when_the_commit_lies_beyond_its_end(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    users = [add_user(database) for _ in range(5)]
    with running_relay(settings):
        lines = accept_thoughts(settings, database, users, 3)
        eventually(lambda: not pending_ids(database))
        for partition in range(settings.kafka_partitions):
            commit_offset(settings, 900, topic_id(settings), partition)
        with running_workers(settings, database) as completions, restarting_bridge(settings):
            eventually(lambda: database.rows(COUNT_OPEN_THOUGHTS)[0][0] == 0, timeout=60)
            eventually(
                lambda: sum((fetch_commit(settings, number) or (0,))[0] for number in range(3)) == 15, timeout=30
            )
    assert "committed offset 900 is outside the log's range" in caplog.text
    assert_completed(settings, database, lines, completions)


def partition_count(admin: AdminClient, topic: str) -> int:
    """Return the number of partitions in the metadata, which lags behind the answer that they were created."""
    return len(admin.list_topics(topic, timeout=10).topics[topic].partitions)


def test_thoughts_are_completed_when_partitions_are_added_while_they_are_accepted(
    settings: Settings, database: Database
) -> None:
    users = [add_user(database) for _ in range(12)]
    with running_workers(settings, database) as completions, restarting_bridge(settings), ExitStack() as older_relay:
        older_relay.enter_context(running_relay(settings))
        before = accept_thoughts(settings, database, users, 4)
        eventually(lambda: completions)
        admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
        admin.create_partitions([NewPartitions(settings.kafka_topic, 12)])[settings.kafka_topic].result(20)
        eventually(lambda: partition_count(admin, settings.kafka_topic) == 12)
        with running_relay(settings):  # it knows the new partitions at once, the older relay within five minutes
            meanwhile = accept_thoughts(settings, database, users, 4)
            older_relay.close()
            after = accept_thoughts(settings, database, users, 2)
            eventually(lambda: database.rows(COUNT_OPEN_THOUGHTS)[0][0] == 0, timeout=120)
    assert {record.partition() or 0 for record in read_records(settings, settings.kafka_topic)} - {0, 1, 2}
    assert_completed(
        settings, database, {user: before[user] + meanwhile[user] + after[user] for user in users}, completions
    )
