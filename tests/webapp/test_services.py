"""The shared connection pool: statements that wait do not delay other requests and streams."""

import threading
from uuid import uuid4

import psycopg2
from sqlalchemy import text

from contracts.database import Database
from contracts.settings import Settings
from tests.eventually import eventually
from tests.webapp.fake_worker import AGENT_EVENTS, FakeWorker
from tests.webapp.web_processes import WebProcess
from webapp.services import STREAM_QUERY_SLOTS


def blocked_connections(database: Database) -> int:
    """Return the number of connections of web processes that wait for a lock."""
    statement = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'web' AND wait_event_type = 'Lock'"
    )
    return int(database.rows(statement)[0][0])


def test_waiting_statements_do_not_delay_other_users(web: WebProcess, database: Database, settings: Settings) -> None:
    locked_user = uuid4()
    web.post("inserts the user", locked_user)
    holder = psycopg2.connect(settings.database_url.replace("+psycopg2", ""))
    holder.cursor().execute("SELECT FROM users WHERE id = %s FOR UPDATE", [str(locked_user)])
    accepted: list[object] = []
    threads = [
        threading.Thread(target=lambda n=n: accepted.append(web.post(str(n), locked_user)), daemon=True)
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    eventually(lambda: blocked_connections(database) == 4)
    stream = web.open_stream(other_user := uuid4())
    web.post("from another user", other_user)
    stream.wait_for("thought_created")
    assert accepted == []
    holder.rollback()
    holder.close()
    for thread in threads:
        thread.join(20)
    assert len(accepted) == 4


def test_streams_that_wait_for_postgres_leave_connections_for_requests(
    web: WebProcess, worker: FakeWorker, database: Database, settings: Settings
) -> None:
    users = [uuid4() for _ in range(2 * STREAM_QUERY_SLOTS)]
    for user in users:
        thought = web.post("a thought", user)
        worker.dispatch(thought)
        worker.run_step(thought, 1)
    with psycopg2.connect(settings.database_url.replace("+psycopg2", "")) as holder:
        holder.cursor().execute("LOCK TABLE agent_runs IN ACCESS EXCLUSIVE MODE")
        for user in users:
            web.open_stream(user)
        eventually(lambda: blocked_connections(database) == STREAM_QUERY_SLOTS)
        assert web.post("accepted meanwhile", uuid4())
        assert blocked_connections(database) <= STREAM_QUERY_SLOTS
    holder.close()
    eventually(lambda: all(AGENT_EVENTS[0] in stream.names() for stream in web.stream_clients))
