"""Tests the whole bridge on real servers, from a record to its commit, also while a server is unavailable."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from sqlalchemy import Executable, text
from sqlalchemy.exc import OperationalError

from bridge.consumer.lane import Lane
from bridge.consumer.loop import Bridge
from bridge.records.types import Record
from contracts.database import Database, Row, make_engine
from contracts.events import thought_created
from contracts.progress import stream_key
from contracts.queues import SOLO_QUEUE, THOUGHTS_QUEUE, queue_keys
from contracts.settings import Settings
from tests.bridge.ingesting import add_to_lane
from tests.bridge.kafka_sources import produce
from tests.bridge.running_bridges import running_bridge, wait_until_committed
from tests.bridge.thoughts import add_thought, add_user, thought_row
from tests.bridge.worker_threads import Completions, completed_thoughts, running_workers
from tests.eventually import eventually
from tests.stores import ROOT
from tests.tasks.worker_processes import count_queued
from tests.tcp_proxy import TcpProxy

pytestmark = pytest.mark.usefixtures("topics")


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_seconds": 2.0, "lease_renew_seconds": 0.5, "kafka_partitions": 1}


def produce_records(settings: Settings, database: Database, thoughts: Sequence[UUID]) -> None:
    """Produce the thoughts' records, as the relay does."""
    for thought in thoughts:
        row = thought_row(database, thought)
        produce(settings, [bytes(row.event)], turn=str(row.turn).encode())


def add_thoughts(database: Database, users: int, thoughts: int) -> dict[UUID, list[UUID]]:
    return {
        user: [add_thought(database, user) for _ in range(thoughts)]
        for user in [add_user(database) for _ in range(users)]
    }


def are_completed_in_order(completions: Completions, thoughts_by_user: dict[UUID, list[UUID]]) -> bool:
    return all(completed_thoughts(user, completions) == line for user, line in thoughts_by_user.items())


@pytest.mark.parametrize("overrides", [{"kafka_partitions": 1}])
def test_the_bridge_processes_each_users_thoughts_in_order_and_commits_them(
    settings: Settings, database: Database
) -> None:
    thoughts_by_user = add_thoughts(database, users=4, thoughts=3)
    # The log has another order than the lines.
    thoughts = [thought for line in thoughts_by_user.values() for thought in reversed(line)]
    produce_records(settings, database, thoughts)
    with running_workers(settings, database) as completions, running_bridge(settings):
        wait_until_committed(settings, database, len(thoughts))
    assert are_completed_in_order(completions, thoughts_by_user)
    assert {thought_row(database, thought).dispatch_id for thought in thoughts} == {1}


def test_the_start_of_a_thought_is_published_to_the_web_once(
    settings: Settings, database: Database, user_id: UUID, redis_client: redis.Redis
) -> None:
    thought = add_thought(database, user_id)
    produce_records(settings, database, [thought, thought])
    with running_workers(settings, database), running_bridge(settings):
        wait_until_committed(settings, database, 2)
    events: Any = redis_client.xrange(stream_key(settings.redis_prefix, user_id))
    messages = [fields[b"message"] for _, fields in events]
    assert [b"thought_processing" in message for message in messages] == [True]


def test_external_records_become_thoughts_or_dead_letters_and_are_committed(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    external = uuid4()
    produce(settings, [b"\x00 not ours", thought_created(user_id, external, "From afar").to_bytes()], turn=b"1")
    with running_workers(settings, database), running_bridge(settings):
        wait_until_committed(settings, database, 2)
    assert thought_row(database, external).status == "completed"
    dead_letters = database.rows(text("SELECT value FROM dead_letters"))
    assert [bytes(row.value) for row in dead_letters] == [b"\x00 not ours"]


def test_the_bridge_loses_no_thought_while_redis_is_unavailable(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    proxy = TcpProxy.for_url(settings.redis_url)
    proxied_settings = settings.model_copy(update={"redis_url": proxy.proxied_url(settings.redis_url)})
    thoughts_by_user = add_thoughts(database, users=3, thoughts=3)
    thoughts = [thought for line in thoughts_by_user.values() for thought in line]
    produce_records(settings, database, thoughts[:5])
    with running_workers(settings, database) as completions, running_bridge(proxied_settings):
        eventually(lambda: completions)
        proxy.refuse()
        produce_records(settings, database, thoughts[5:])
        # The head is claimed, but its chain cannot be sent.
        eventually(lambda: thought_row(database, thoughts[-3]).status == "processing")
        proxy.accept()
        wait_until_committed(settings, database, len(thoughts))
    proxy.refuse()
    assert are_completed_in_order(completions, thoughts_by_user)


def test_the_bridge_loses_no_record_while_postgresql_is_unavailable(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    proxy = TcpProxy.for_url(settings.database_url)
    proxied_settings = settings.model_copy(update={"database_url": proxy.proxied_url(settings.database_url)})
    thoughts_by_user = add_thoughts(database, users=3, thoughts=3)
    thoughts = [thought for line in thoughts_by_user.values() for thought in line]
    produce_records(settings, database, thoughts[:5])
    with running_workers(settings, database) as completions, running_bridge(proxied_settings):
        eventually(lambda: completions)
        proxy.refuse()
        produce(settings, [b"not an event"])
        produce_records(settings, database, thoughts[5:])
        eventually(lambda: "records wait to be accepted" in caplog.text and "Decide is repeated" in caplog.text)
        proxy.accept()
        wait_until_committed(settings, database, len(thoughts) + 1)
    proxy.refuse()
    assert are_completed_in_order(completions, thoughts_by_user)


def test_the_bridge_sends_a_message_again_that_redis_lost(
    settings: Settings, database: Database, user_id: UUID, redis_client: redis.Redis
) -> None:
    thought = add_thought(database, user_id)
    produce_records(settings, database, [thought])
    with running_bridge(settings):
        eventually(lambda: count_queued(redis_client))
        redis_client.flushdb()
        with running_workers(settings, database):
            wait_until_committed(settings, database, 1)
    assert thought_row(database, thought).dispatch_id == 1


def test_the_bridge_sends_a_step_whose_worker_died_to_the_queue_solo(
    settings: Settings, database: Database, user_id: UUID, redis_client: redis.Redis
) -> None:
    thought = add_thought(database, user_id)
    produce_records(settings, database, [thought])
    with running_bridge(settings):
        keys = queue_keys(settings.redis_prefix, THOUGHTS_QUEUE)
        eventually(lambda: any(redis_client.lpop(key) for key in keys))
        start_call = text("UPDATE thoughts SET call_id = :call_id, beat = beat + 1 WHERE id = :id RETURNING id")
        database.rows(start_call, call_id=uuid4(), id=thought)
        eventually(lambda: count_queued(redis_client, SOLO_QUEUE))
    assert (thought_row(database, thought).losses, thought_row(database, thought).dispatch_id) == (1, 2)


class UnavailableDatabase(Database):
    """Answers no statement, and requests the bridge to stop during the first one."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        super().__init__(make_engine(settings.database_url, "test"))
        self.stop, self.statements = stop, 0

    def rows(self, statement: Executable, **parameters: Any) -> list[Row]:
        self.statements += 1
        self.stop.set()
        raise OperationalError(None, None, TimeoutError("PostgreSQL did not answer"))


class FakeSource:
    """Holds lanes, and reads nothing."""

    def __init__(self, lanes: list[Lane]) -> None:
        self.held, self.committed, self.closed = lanes, False, False

    def poll(self, seconds: float) -> None:
        pass

    def lanes(self) -> list[Lane]:
        return self.held

    def commit(self, now: float) -> None:
        self.committed = True

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("has_external_event", [True, False])
def test_the_bridge_sends_no_further_statement_after_a_request_to_stop(
    settings: Settings, *, has_external_event: bool
) -> None:
    """Neither ingestion nor Decide sends one, and no line is left in the phase DECIDING."""
    stop, lanes = threading.Event(), [Lane(0, 20.0) for _ in range(3)]
    for lane in lanes:
        lane.add_record(Record(0, uuid4(), uuid4(), 1))
        if has_external_event:
            user, thought = uuid4(), uuid4()
            add_to_lane(lane, 1, thought_created(user, thought, "From afar").to_bytes())
    unavailable, source = UnavailableDatabase(settings, stop), FakeSource(lanes)
    Bridge(settings, unavailable, source).run(stop)
    assert unavailable.statements == 1
    assert (source.committed, source.closed) == (True, True)
    assert [len(lane.due_requests(inf)) for lane in lanes] == [1, 1, 1]


def test_the_process_writes_its_heartbeat_file_and_exits_on_sigterm(
    settings: Settings, database: Database, user_id: UUID, tmp_path: Path
) -> None:
    heartbeat = tmp_path / "heartbeat"
    produce_records(settings, database, [add_thought(database, user_id)])
    environment = os.environ | {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "REDIS_SSE_PREFIX": settings.redis_sse_prefix,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "KAFKA_TOPIC": settings.kafka_topic,
        "KAFKA_CONSUMER_GROUP": settings.kafka_consumer_group,
        "HEARTBEAT_FILE": str(heartbeat),
    }
    process = subprocess.Popen([sys.executable, "-m", "bridge", "run"], cwd=ROOT, env=environment)
    try:
        eventually(heartbeat.exists)
        with running_workers(settings, database):
            wait_until_committed(settings, database, 1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
