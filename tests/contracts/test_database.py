"""Every wait for PostgreSQL ends, refused data is told from an outage, and the pool comes back by itself."""

import json
import signal
import socket
from collections.abc import Iterator
from threading import Barrier, Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg2 import extensions
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from contracts.database import POOL_SIZE, Database, is_refused_data, make_engine
from contracts.settings import Settings
from tests.eventually import eventually
from tests.tcp_proxy import proxy_before

SHORT = 2.0
PID = text("SELECT pg_backend_pid() AS pid")


@pytest.fixture
def impatient() -> Iterator[None]:
    """Puts back the process's own deadline after a test that made a shorter one."""
    before = extensions.get_wait_callback()
    yield
    extensions.set_wait_callback(before)


def failure(database: Database, statement: str, **parameters: Any) -> SQLAlchemyError:
    """The error that a statement ends with."""
    with pytest.raises(SQLAlchemyError) as failed:
        database.rows(text(statement), **parameters)
    return failed.value


def test_nothing_connects_before_the_first_statement() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        make_engine(f"postgresql+psycopg2://u@127.0.0.1:{listening.getsockname()[1]}/d", "test")
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_a_server_that_never_answers_ends_the_wait(impatient: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+psycopg2://u@127.0.0.1:{silent.getsockname()[1]}/d"
        error = failure(Database(make_engine(url, "test", statement_seconds=SHORT)), "SELECT 1")
    assert "PostgreSQL did not answer within 2 s" in str(error)
    assert not is_refused_data(error)


def test_a_cut_connection_ends_the_wait_and_the_pool_recovers(impatient: None, settings: Settings) -> None:
    """The way goes dark under an idle connection, as behind a firewall that forgot it: no reset ever comes."""
    with proxy_before(settings.database_url) as proxy:
        database = Database(make_engine(proxy.url(settings.database_url), "test", statement_seconds=SHORT))
        database.rows(PID)
        proxy.stall()
        error = failure(database, "SELECT 1")
        proxy.resume()
        assert eventually(lambda: answers(database))
        database.engine.dispose()
    assert "PostgreSQL did not answer within 2 s" in str(error)
    assert not is_refused_data(error)


def answers(database: Database) -> bool:
    try:
        return bool(database.rows(PID))
    except OperationalError:
        return False


def test_postgresql_itself_ends_a_slow_statement_before_the_client_gives_up(
    impatient: None, settings: Settings
) -> None:
    """Then the connection stays usable, and no statement runs on without anybody who waits for it."""
    database = Database(make_engine(settings.database_url, "test", statement_seconds=2.0))
    before = database.rows(PID)
    error = failure(database, "SELECT pg_sleep(60)")
    assert "statement timeout" in str(error)
    assert database.rows(PID) == before
    assert not is_refused_data(error)
    database.engine.dispose()


def test_each_statement_is_committed_at_once(database: Database) -> None:
    """A process that is stopped between two statements holds no lock: no transaction is open then."""
    with database.engine.connect() as connection:
        connection.execute(text("INSERT INTO users (id) VALUES (:id)"), {"id": uuid4()})
        assert database.rows(text("SELECT count(*) AS found FROM users"))[0].found == 1
        idle: Any = connection.connection.dbapi_connection
        assert idle.info.transaction_status == extensions.TRANSACTION_STATUS_IDLE


def test_statements_run_at_read_committed(database: Database) -> None:
    level = database.rows(text("SELECT current_setting('transaction_isolation') AS level"))
    assert level[0].level == "read committed"


def test_a_row_that_is_not_there_is_none(database: Database) -> None:
    assert database.row(text("SELECT id FROM users WHERE id = :id"), id=uuid4()) is None


def test_a_statement_without_rows_gives_none(database: Database) -> None:
    assert database.rows(text("UPDATE users SET last_turn = 0 WHERE false")) == []


def test_ids_come_back_as_ids(database: Database) -> None:
    ids = [uuid4(), uuid4()]
    assert database.rows(text("SELECT unnest(CAST(:ids AS uuid[])) AS id"), ids=ids) == [(each,) for each in ids]


REFUSED = {
    "a NUL in jsonb": ("SELECT CAST(:value AS jsonb)", json.dumps("\x00")),
    "a lone surrogate in jsonb": ("SELECT CAST(:value AS jsonb)", json.dumps("\ud800")),
    "NaN in jsonb": ("SELECT CAST(:value AS jsonb)", "NaN"),
    "a number out of range": ("SELECT CAST(:value AS smallint)", "70000"),
    "no uuid": ("SELECT CAST(:value AS uuid)", "somebody"),
    "a repeated key": ("INSERT INTO users (id) SELECT CAST(:value AS uuid) FROM generate_series(1, 2)", str(uuid4())),
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


@pytest.mark.parametrize(("statement", "value"), REFUSED.values(), ids=REFUSED.keys())
def test_data_that_postgresql_refuses_is_no_outage(database: Database, statement: str, value: str) -> None:
    assert is_refused_data(failure(database, statement, value=value))


@pytest.mark.parametrize("statement", ["SELECT nonsense FROM users", "SELECT pg_terminate_backend(pg_backend_pid())"])
def test_faults_and_outages_are_not_taken_for_refused_data(database: Database, statement: str) -> None:
    assert not is_refused_data(failure(database, statement))


def test_a_server_that_is_not_there_is_an_outage() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    database = Database(make_engine(f"postgresql+psycopg2://u@127.0.0.1:{port}/d", "test"))
    assert not is_refused_data(failure(database, "SELECT 1"))


def test_an_exhausted_pool_is_an_outage(impatient: None, settings: Settings) -> None:
    database = Database(make_engine(settings.database_url, "test", statement_seconds=SHORT))
    taken = [database.engine.connect() for _ in range(POOL_SIZE)]
    error = failure(database, "SELECT 1")
    for connection in taken:
        connection.close()
    assert not is_refused_data(error)
    assert database.rows(PID)
    database.engine.dispose()


def test_the_pool_recovers_from_connections_that_were_ended(database: Database, settings: Settings) -> None:
    other = Database(make_engine(settings.database_url, "other"))
    mine = database.rows(PID)[0].pid
    other.rows(text("SELECT pg_terminate_backend(:pid, 5000)"), pid=mine)
    assert not is_refused_data(failure(database, "SELECT 1"))
    assert database.rows(PID)[0].pid != mine
    other.engine.dispose()


def test_a_statement_that_is_left_half_way_takes_its_connection_with_it(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """As when gevent ends a request: the answer must not wait there for the next statement."""

    def leave(*_: Any) -> None:
        raise SystemExit("the thread is told to end")

    before = signal.signal(signal.SIGALRM, leave)
    left = database.rows(PID)[0].pid
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(SystemExit):
            database.rows(text("SELECT 'half' AS pid FROM pg_sleep(2)"))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert database.rows(PID)[0].pid != left
    assert caplog.messages == []


def test_after_a_restart_of_postgresql_one_failed_statement_empties_the_whole_pool(
    database: Database, settings: Settings
) -> None:
    in_parallel(database)
    other = Database(make_engine(settings.database_url, "other"))
    end_all = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'test'"
    other.rows(text(f"{end_all} AND datname = current_database()"))
    other.engine.dispose()
    failure(database, "SELECT 1")
    in_parallel(database)


def test_connections_in_use_when_another_is_lost_do_not_stay_behind(database: Database, settings: Settings) -> None:
    """The pool is the bound of what a process takes of PostgreSQL's connections, however many were lost."""
    other = Database(make_engine(settings.database_url, "other", connections=1))
    slow, pids = (
        text("SELECT pg_backend_pid() AS pid FROM pg_sleep(0.5)"),
        text("""
        SELECT pid FROM pg_stat_activity WHERE application_name = 'test' AND datname = current_database()
    """),
    )
    for _ in range(3):
        users = [Thread(target=database.rows, args=(slow,)) for _ in range(POOL_SIZE - 1)]
        for each in users:
            each.start()
        failure(database, "SELECT pg_terminate_backend(pg_backend_pid())")
        for each in users:
            each.join()
        in_parallel(database)
    assert len(other.rows(pids)) <= POOL_SIZE
    other.engine.dispose()


def in_parallel(database: Database) -> None:
    """Use every connection of the pool at once; all statements must succeed."""
    together, found = Barrier(POOL_SIZE), []

    def use() -> None:
        with database.engine.connect() as connection:
            together.wait(20)
            found.append(connection.execute(PID).scalar())

    users = [Thread(target=use) for _ in range(POOL_SIZE)]
    for each in users:
        each.start()
    for each in users:
        each.join()
    assert len(set(found)) == POOL_SIZE


def test_a_process_is_named_in_postgresqls_own_list(database: Database) -> None:
    found = database.rows(text("SELECT application_name AS name FROM pg_stat_activity WHERE pid = pg_backend_pid()"))
    assert found[0].name == "test"


def test_an_error_does_not_show_what_a_person_wrote(database: Database) -> None:
    error = failure(database, "SELECT CAST(:written AS text), 1 / 0", written="my secret diary")
    assert isinstance(error, DBAPIError)
    assert "diary" not in str(error)


def test_a_users_id_of_any_form_is_one_and_the_same(database: Database, user_id: UUID) -> None:
    found = database.row(text("SELECT id FROM users WHERE id = CAST(:id AS uuid)"), id=str(user_id).upper())
    assert found == (user_id,)
