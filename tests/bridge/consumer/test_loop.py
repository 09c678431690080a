"""The whole bridge on real servers: from a record to a committed offset, while servers go away in between."""

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
from contracts.settings import Settings
from tests.bridge.ingesting import bring
from tests.bridge.kafka_sources import produce
from tests.bridge.running_bridges import all_ended, running
from tests.bridge.thoughts import add_thought, add_user, row
from tests.bridge.worker_threads import Ended, line_of, workers
from tests.eventually import eventually
from tests.stores import ROOT
from tests.tcp_proxy import TcpProxy

pytestmark = pytest.mark.usefixtures("topics")


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"lease_seconds": 2.0, "lease_renew_seconds": 0.5, "kafka_partitions": 1}


def ring(settings: Settings, database: Database, thoughts: Sequence[UUID]) -> None:
    """Produce the thoughts' records, as the relay does."""
    for thought in thoughts:
        found = row(database, thought)
        produce(settings, [bytes(found.event)], turn=str(found.turn).encode())


def lines(database: Database, users: int, thoughts: int) -> dict[UUID, list[UUID]]:
    return {
        user: [add_thought(database, user) for _ in range(thoughts)]
        for user in [add_user(database) for _ in range(users)]
    }


def in_order(ended: Ended, expected: dict[UUID, list[UUID]]) -> bool:
    return all(line_of(user, ended) == line for user, line in expected.items())


@pytest.mark.parametrize("overrides", [{"kafka_partitions": 1}])
def test_every_users_thoughts_are_worked_in_their_order_and_committed(settings: Settings, database: Database) -> None:
    expected = lines(database, users=4, thoughts=3)
    thoughts = [thought for line in expected.values() for thought in reversed(line)]  # the log has another order
    ring(settings, database, thoughts)
    with workers(settings, database) as ended, running(settings):
        all_ended(settings, database, len(thoughts))
    assert in_order(ended, expected)
    assert {row(database, thought).dispatch_id for thought in thoughts} == {1}


def test_the_browser_is_told_once_that_a_thought_is_begun(
    settings: Settings, database: Database, user_id: UUID, redis_client: redis.Redis
) -> None:
    thought = add_thought(database, user_id)
    ring(settings, database, [thought, thought])
    with workers(settings, database), running(settings):
        all_ended(settings, database, 2)
    events: Any = redis_client.xrange(stream_key(settings.redis_sse_prefix, user_id))
    told = [fields[b"message"] for _, fields in events]
    assert [b"thought_processing" in message for message in told] == [True]


def test_what_others_wrote_is_worked_or_buried_and_both_are_committed(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    foreign = uuid4()
    produce(settings, [b"\x00 not ours", thought_created(user_id, foreign, "From afar").to_bytes()], turn=b"1")
    with workers(settings, database), running(settings):
        all_ended(settings, database, 2)
    assert row(database, foreign).status == "completed"
    letters = database.rows(text("SELECT value FROM dead_letters"))
    assert [bytes(letter.value) for letter in letters] == [b"\x00 not ours"]


def test_without_redis_nothing_is_lost(settings: Settings, database: Database, user_id: UUID) -> None:
    proxy = TcpProxy.before(settings.redis_url)
    away = settings.model_copy(update={"redis_url": proxy.url(settings.redis_url)})
    expected = lines(database, users=3, thoughts=3)
    thoughts = [thought for line in expected.values() for thought in line]
    ring(settings, database, thoughts[:5])
    with workers(settings, database) as ended, running(away):
        eventually(lambda: ended)
        proxy.refuse()
        ring(settings, database, thoughts[5:])
        eventually(lambda: row(database, thoughts[-3]).status == "processing")  # taken, and cannot be sent
        proxy.accept()
        all_ended(settings, database, len(thoughts))
    proxy.refuse()
    assert in_order(ended, expected)


def test_without_postgresql_nothing_is_lost(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    proxy = TcpProxy.before(settings.database_url)
    away = settings.model_copy(update={"database_url": proxy.url(settings.database_url)})
    expected = lines(database, users=3, thoughts=3)
    thoughts = [thought for line in expected.values() for thought in line]
    ring(settings, database, thoughts[:5])
    with workers(settings, database) as ended, running(away):
        eventually(lambda: ended)
        proxy.refuse()
        produce(settings, [b"buried when it is back"])
        ring(settings, database, thoughts[5:])
        eventually(lambda: "records wait to be stored" in caplog.text and "asked for again" in caplog.text)
        proxy.accept()
        all_ended(settings, database, len(thoughts) + 1)
    proxy.refuse()
    assert in_order(ended, expected)


def test_a_message_that_redis_forgot_is_sent_again(
    settings: Settings, database: Database, user_id: UUID, redis_client: redis.Redis
) -> None:
    thought = add_thought(database, user_id)
    ring(settings, database, [thought])
    with running(settings):
        eventually(lambda: redis_client.llen("thoughts"))
        redis_client.flushdb()
        with workers(settings, database):
            all_ended(settings, database, 1)
    assert row(database, thought).dispatch_id == 1


def test_a_thought_whose_worker_died_in_the_call_goes_to_the_queue_solo(
    settings: Settings, database: Database, user_id: UUID, redis_client: redis.Redis
) -> None:
    thought = add_thought(database, user_id)
    ring(settings, database, [thought])
    with running(settings):
        eventually(lambda: redis_client.lpop("thoughts"))
        died = text("UPDATE thoughts SET call_id = :call, beat = beat + 1 WHERE id = :id RETURNING id")
        database.rows(died, call=uuid4(), id=thought)
        eventually(lambda: redis_client.llen("solo"))
    assert (row(database, thought).losses, row(database, thought).dispatch_id) == (1, 2)


class Silent(Database):
    """A PostgreSQL that answers nothing; while it is asked for the first time the bridge is told to end."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        super().__init__(make_engine(settings.database_url, "test"))
        self.stop, self.asked = stop, 0

    def rows(self, statement: Executable, **parameters: Any) -> list[Row]:
        self.asked += 1
        self.stop.set()
        raise OperationalError(None, None, TimeoutError("PostgreSQL did not answer"))


class Lanes:
    """A source that has read all that there is."""

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


@pytest.mark.parametrize("is_foreign", [True, False])
def test_a_bridge_that_is_told_to_end_while_postgresql_is_silent_asks_nothing_more(
    settings: Settings, *, is_foreign: bool
) -> None:
    """Neither of the records that wait to be stored nor of the lines that are due, of which none is left half asked."""
    stop, lanes = threading.Event(), [Lane(0, 20.0) for _ in range(3)]
    for lane in lanes:
        lane.add_record(Record(0, uuid4(), uuid4(), 1))
        if is_foreign:
            user, thought = uuid4(), uuid4()
            bring(lane, 1, thought_created(user, thought, "From afar").to_bytes())
    silent, source = Silent(settings, stop), Lanes(lanes)
    Bridge(settings, silent, source).run(stop)
    assert silent.asked == 1
    assert (source.committed, source.closed) == (True, True)
    assert [len(lane.due_requests(inf)) for lane in lanes] == [1, 1, 1]


def test_the_process_says_that_it_is_ready_and_leaves_at_sigterm(
    settings: Settings, database: Database, user_id: UUID, tmp_path: Path
) -> None:
    heartbeat = tmp_path / "heartbeat"
    ring(settings, database, [add_thought(database, user_id)])
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
        with workers(settings, database):
            all_ended(settings, database, 1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
