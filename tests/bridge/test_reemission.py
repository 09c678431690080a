"""Kafka forgets, or grows, under a whole bridge with relay and workers: every thought ends, in order, none twice."""

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
from tests.bridge.audit.audit_runs import audited
from tests.bridge.kafka_sources import commit_by_hand, committed, make_anew, topic_id
from tests.bridge.running_bridges import kept_running
from tests.bridge.running_relays import running_relay, waiting
from tests.bridge.thoughts import OPEN, Lines, add_user, write
from tests.bridge.topic_contents import records
from tests.bridge.worker_threads import Ended, line_of, workers
from tests.eventually import eventually

pytestmark = pytest.mark.usefixtures("topics")


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_seconds": 2.0, "lease_renew_seconds": 0.5}


@pytest.fixture(autouse=True)
def frequent_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "SWEEP_INTERVAL_SECONDS", 0.2)


def all_taken(database: Database, users: int) -> None:
    """The head of every line was taken, and everything else stands in Kafka."""
    begun = text("SELECT count(*) FROM thoughts WHERE status = 'processing'")
    eventually(lambda: database.rows(begun)[0][0] == users and not waiting(database), timeout=60)


def six_hours_later(database: Database) -> None:
    """As far as the sweep can tell."""
    later = "UPDATE thoughts SET emitted_at = emitted_at - i, beat_at = beat_at - i FROM (SELECT interval '6 h' AS i) l"
    database.rows(text(f"{later} WHERE finished_at IS NULL"))


def all_end_by_the_sweep(database: Database) -> None:
    def look() -> bool:
        six_hours_later(database)
        return bool(database.rows(OPEN)[0][0] == 0)

    eventually(look, timeout=120)


def check(settings: Settings, database: Database, lines: Lines, ended: Ended) -> None:
    """Every thought ended once, in its line's order, and the books add up."""
    assert len(ended) == sum(map(len, lines.values()))
    assert {user: line_of(user, ended) for user in lines} == lines
    eventually(lambda: audited(settings, database)["adds_up"], timeout=60)


def test_a_topic_made_anew_under_a_running_bridge(settings: Settings, database: Database) -> None:
    users = [add_user(database) for _ in range(5)]
    with running_relay(settings), kept_running(settings):
        lines = write(settings, database, users, 4)
        all_taken(database, 5)
        make_anew(settings)
        with workers(settings, database) as ended:
            all_end_by_the_sweep(database)
    check(settings, database, lines, ended)


def test_records_that_expired_before_they_were_read(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    users = [add_user(database) for _ in range(5)]
    with running_relay(settings):
        lines = write(settings, database, users, 3)
        eventually(lambda: not waiting(database))
        forget_all(settings)
        with workers(settings, database) as ended, kept_running(settings):
            all_end_by_the_sweep(database)
    assert "is outside of" in caplog.text
    check(settings, database, lines, ended)


def forget_all(settings: Settings) -> None:
    """All records are gone, and what was committed is below the first that is left."""
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    ends = dict.fromkeys(range(settings.kafka_partitions), 0)
    for record in records(settings, settings.kafka_topic):
        ends[record.partition() or 0] += 1
    for partition in ends:
        commit_by_hand(settings, 0, topic_id(settings), partition)
    gone = [TopicPartition(settings.kafka_topic, partition, end) for partition, end in ends.items()]
    for forgotten in admin.delete_records(gone).values():
        forgotten.result(20)


def test_a_commit_beyond_an_empty_log_is_put_right(settings: Settings, database: Database) -> None:
    """Else a log that grew up to it, while no bridge ran, would be skipped in silence."""
    commit_by_hand(settings, 900, topic_id(settings), 2)
    with kept_running(settings):
        eventually(lambda: (committed(settings, 2) or (0,))[0] == 0, timeout=30)


def test_a_log_that_lost_its_end(settings: Settings, database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """What was committed is beyond the log: the bridge says so and reads what there is."""
    users = [add_user(database) for _ in range(5)]
    with running_relay(settings):
        lines = write(settings, database, users, 3)
        eventually(lambda: not waiting(database))
        for partition in range(settings.kafka_partitions):
            commit_by_hand(settings, 900, topic_id(settings), partition)
        with workers(settings, database) as ended, kept_running(settings):
            eventually(lambda: database.rows(OPEN)[0][0] == 0, timeout=60)
            eventually(lambda: sum((committed(settings, one) or (0,))[0] for one in range(3)) == 15, timeout=30)
    assert "committed offset 900 is outside of" in caplog.text
    check(settings, database, lines, ended)


def partitions_of(admin: AdminClient, topic: str) -> int:
    """As the broker tells clients; it has said that they are made a moment earlier."""
    return len(admin.list_topics(topic, timeout=10).topics[topic].partitions)


def test_more_partitions_while_thoughts_are_written(settings: Settings, database: Database) -> None:
    users = [add_user(database) for _ in range(12)]
    with workers(settings, database) as ended, kept_running(settings), ExitStack() as older:
        older.enter_context(running_relay(settings))
        before = write(settings, database, users, 4)
        eventually(lambda: ended)
        admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
        admin.create_partitions([NewPartitions(settings.kafka_topic, 12)])[settings.kafka_topic].result(20)
        eventually(lambda: partitions_of(admin, settings.kafka_topic) == 12)
        with running_relay(settings):  # it knows the new partitions at once, the older one within five minutes
            meanwhile = write(settings, database, users, 4)
            older.close()
            after = write(settings, database, users, 2)
            eventually(lambda: database.rows(OPEN)[0][0] == 0, timeout=120)
    assert {record.partition() or 0 for record in records(settings, settings.kafka_topic)} - {0, 1, 2}
    check(settings, database, {user: before[user] + meanwhile[user] + after[user] for user in users}, ended)
