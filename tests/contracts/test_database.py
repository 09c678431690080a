"""Every wait for PostgreSQL ends, rejected data is not mistaken for an outage, and the pool recovers automatically."""

import json
import signal
import socket
from threading import Barrier, Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg2 import extensions
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from contracts.database import POOL_SIZE, Database, is_rejected_data, make_engine
from contracts.settings import Settings
from tests.eventually import eventually
from tests.tcp_proxy import proxy_for

SHORT = 2.0
PID = text("SELECT pg_backend_pid() AS pid")


def error_of(database: Database, statement: str, **parameters: Any) -> SQLAlchemyError:
    """Return the error that a statement raises."""
    with pytest.raises(SQLAlchemyError) as raised:
        database.rows(text(statement), **parameters)
    return raised.value


def test_an_engine_connects_at_its_first_statement() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        make_engine(f"postgresql+psycopg2://u@127.0.0.1:{listener.getsockname()[1]}/d", "test")
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_statement_times_out_when_the_server_never_answers(restore_wait_callback: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent_server:
        url = f"postgresql+psycopg2://u@127.0.0.1:{silent_server.getsockname()[1]}/d"
        error = error_of(Database(make_engine(url, "test", statement_seconds=SHORT)), "SELECT 1")
    assert "PostgreSQL did not answer within 2 s" in str(error)
    assert not is_rejected_data(error)


def test_a_statement_times_out_on_a_dead_connection_and_the_pool_recovers(
    restore_wait_callback: None, settings: Settings
) -> None:
    """As behind a firewall that forgot an idle connection: packets are dropped, and no reset arrives."""
    with proxy_for(settings.database_url) as proxy:
        database = Database(make_engine(proxy.proxied_url(settings.database_url), "test", statement_seconds=SHORT))
        database.rows(PID)
        proxy.stall()
        error = error_of(database, "SELECT 1")
        proxy.resume()
        assert eventually(lambda: answers(database))
        database.engine.dispose()
    assert "PostgreSQL did not answer within 2 s" in str(error)
    assert not is_rejected_data(error)


def answers(database: Database) -> bool:
    try:
        return bool(database.rows(PID))
    except OperationalError:
        return False


def test_postgresql_cancels_a_slow_statement_before_the_client_gives_up(
    restore_wait_callback: None, settings: Settings
) -> None:
    """The connection stays usable, and no statement continues that no client waits for."""
    database = Database(make_engine(settings.database_url, "test", statement_seconds=2.0))
    pid = database.rows(PID)
    error = error_of(database, "SELECT pg_sleep(60)")
    assert "statement timeout" in str(error)
    assert database.rows(PID) == pid
    assert not is_rejected_data(error)
    database.engine.dispose()


def test_each_statement_is_committed_immediately(database: Database) -> None:
    """No transaction is open between two statements, so a stopped process holds no lock."""
    with database.engine.connect() as connection:
        connection.execute(text("INSERT INTO users (id) VALUES (:id)"), {"id": uuid4()})
        assert database.rows(text("SELECT count(*) AS found FROM users"))[0].found == 1
        driver_connection: Any = connection.connection.dbapi_connection
        assert driver_connection.info.transaction_status == extensions.TRANSACTION_STATUS_IDLE


def test_statements_run_at_read_committed(database: Database) -> None:
    rows = database.rows(text("SELECT current_setting('transaction_isolation') AS level"))
    assert rows[0].level == "read committed"


def test_row_returns_none_when_there_is_no_row(database: Database) -> None:
    assert database.row(text("SELECT id FROM users WHERE id = :id"), id=uuid4()) is None


def test_rows_returns_an_empty_list_for_a_statement_without_rows(database: Database) -> None:
    assert database.rows(text("UPDATE users SET last_turn = 0 WHERE false")) == []


def test_uuids_are_sent_and_returned_as_uuids(database: Database) -> None:
    ids = [uuid4(), uuid4()]
    assert database.rows(text("SELECT unnest(CAST(:ids AS uuid[])) AS id"), ids=ids) == [(id_,) for id_ in ids]


REJECTED = {
    "a NUL in jsonb": ("SELECT CAST(:value AS jsonb)", json.dumps("\x00")),
    "a lone surrogate in jsonb": ("SELECT CAST(:value AS jsonb)", json.dumps("\ud800")),
    "NaN in jsonb": ("SELECT CAST(:value AS jsonb)", "NaN"),
    "a number out of range": ("SELECT CAST(:value AS smallint)", "70000"),
    "text that is not a uuid": ("SELECT CAST(:value AS uuid)", "not-a-uuid"),
    "a duplicate key": ("INSERT INTO users (id) SELECT CAST(:value AS uuid) FROM generate_series(1, 2)", str(uuid4())),
    "a missing user": (
        "INSERT INTO thoughts (id, user_id, turn, text, event) "
        "SELECT gen_random_uuid(), CAST(:value AS uuid), 1, '', ''",
        str(uuid4()),
    ),
    "an unknown state": (
        "INSERT INTO dead_letters (failure_id, reason, headers, state) VALUES ('x', 'y', '{}', :value)",
        "lost",
    ),
}


@pytest.mark.parametrize(("statement", "value"), REJECTED.values(), ids=REJECTED.keys())
def test_data_that_postgresql_rejects_is_not_an_outage(database: Database, statement: str, value: str) -> None:
    assert is_rejected_data(error_of(database, statement, value=value))


@pytest.mark.parametrize("statement", ["SELECT nonsense FROM users", "SELECT pg_terminate_backend(pg_backend_pid())"])
def test_wrong_statements_and_outages_are_not_mistaken_for_rejected_data(database: Database, statement: str) -> None:
    assert not is_rejected_data(error_of(database, statement))


def test_a_refused_connection_is_an_outage() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_server:
        port = closed_server.getsockname()[1]
    database = Database(make_engine(f"postgresql+psycopg2://u@127.0.0.1:{port}/d", "test"))
    assert not is_rejected_data(error_of(database, "SELECT 1"))


def test_an_exhausted_pool_is_an_outage(restore_wait_callback: None, settings: Settings) -> None:
    database = Database(make_engine(settings.database_url, "test", statement_seconds=SHORT))
    connections = [database.engine.connect() for _ in range(POOL_SIZE)]
    error = error_of(database, "SELECT 1")
    for connection in connections:
        connection.close()
    assert not is_rejected_data(error)
    assert database.rows(PID)
    database.engine.dispose()


def test_the_pool_recovers_from_terminated_connections(database: Database, settings: Settings) -> None:
    other = Database(make_engine(settings.database_url, "other"))
    pid = database.rows(PID)[0].pid
    other.rows(text("SELECT pg_terminate_backend(:pid, 5000)"), pid=pid)
    assert not is_rejected_data(error_of(database, "SELECT 1"))
    assert database.rows(PID)[0].pid != pid
    other.engine.dispose()


def test_an_interrupted_statement_closes_its_connection(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """As when gevent ends a request: the next statement must not receive the late answer."""

    def interrupt(*_: Any) -> None:
        raise SystemExit("the thread is interrupted")

    handler = signal.signal(signal.SIGALRM, interrupt)
    interrupted_pid = database.rows(PID)[0].pid
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(SystemExit):
            database.rows(text("SELECT 'half' AS pid FROM pg_sleep(2)"))
    finally:
        signal.signal(signal.SIGALRM, handler)
    assert database.rows(PID)[0].pid != interrupted_pid
    assert caplog.messages == []


def test_one_failed_statement_after_a_restart_of_postgresql_empties_the_whole_pool(
    database: Database, settings: Settings
) -> None:
    use_all_connections(database)
    other = Database(make_engine(settings.database_url, "other"))
    terminate_all = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'test'"
    other.rows(text(f"{terminate_all} AND datname = current_database()"))
    other.engine.dispose()
    error_of(database, "SELECT 1")
    use_all_connections(database)


def test_connections_in_use_are_not_leaked_when_another_one_is_lost(database: Database, settings: Settings) -> None:
    """The pool's size limits a process's connections to PostgreSQL, even after connections were lost."""
    other = Database(make_engine(settings.database_url, "other", connections=1))
    slow = text("SELECT pg_backend_pid() AS pid FROM pg_sleep(0.5)")
    pids = text("""
        SELECT pid FROM pg_stat_activity WHERE application_name = 'test' AND datname = current_database()
    """)
    for _ in range(3):
        threads = [Thread(target=database.rows, args=(slow,)) for _ in range(POOL_SIZE - 1)]
        for thread in threads:
            thread.start()
        error_of(database, "SELECT pg_terminate_backend(pg_backend_pid())")
        for thread in threads:
            thread.join()
        use_all_connections(database)
    assert len(other.rows(pids)) <= POOL_SIZE
    other.engine.dispose()


def use_all_connections(database: Database) -> None:
    """Use every connection of the pool at the same time; all statements must succeed."""
    barrier, pids = Barrier(POOL_SIZE), []

    def use() -> None:
        with database.engine.connect() as connection:
            barrier.wait(20)
            pids.append(connection.execute(PID).scalar())

    threads = [Thread(target=use) for _ in range(POOL_SIZE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(pids)) == POOL_SIZE


def test_pg_stat_activity_shows_the_engines_name(database: Database) -> None:
    rows = database.rows(text("SELECT application_name AS name FROM pg_stat_activity WHERE pid = pg_backend_pid()"))
    assert rows[0].name == "test"


def test_an_error_does_not_contain_the_parameters(database: Database) -> None:
    error = error_of(database, "SELECT CAST(:written AS text), 1 / 0", written="my secret diary")
    assert isinstance(error, DBAPIError)
    assert "diary" not in str(error)


def test_postgresql_finds_a_user_by_an_upper_case_id(database: Database, user_id: UUID) -> None:
    row = database.row(text("SELECT id FROM users WHERE id = CAST(:id AS uuid)"), id=str(user_id).upper())
    assert row == (user_id,)
