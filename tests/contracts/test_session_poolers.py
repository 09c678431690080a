"""A session is the same behind a pooler of sessions, and through every way in which a URL can be read."""

import socket
import threading
from urllib.parse import quote

import psycopg2
import pytest

from contracts.database_check import check_database
from contracts.database_session import (
    UnusableDatabaseError,
    open_session,
    session_arguments,
    url_arguments,
)
from contracts.settings import Settings
from tests.contracts.test_database_session import differences
from tests.stores import execute

BEHIND_A_POOLER = {
    "TimeZone": "Asia/Kathmandu",
    "DateStyle": "German",
    "default_transaction_isolation": "serializable",
    "search_path": "nowhere",
    "bytea_output": "escape",
}
"""Defaults that last until a session sets its parameters: without options, a limit of a millisecond ends it before."""


def test_a_session_is_pinned_behind_a_pooler_that_ignores_options(settings: Settings) -> None:
    name = settings.database_url.rpartition("/")[2]
    execute(
        settings.database_url,
        *(f'ALTER DATABASE "{name}" SET {key} = {value!r}' for key, value in BEHIND_A_POOLER.items()),
    )
    url = f"{settings.database_url}?options={quote('-c search_path=pg_catalog --work-mem=8MB')}"
    arguments = {**url_arguments(url), **session_arguments(url, "test", statement_timeout_ms=4321)}
    session = psycopg2.connect(**{**arguments, "options": ""})
    assert differences(session) == {"search_path": "pg_catalog"}
    with session.cursor() as cursor:
        cursor.execute("SELECT current_setting('work_mem'), current_setting('statement_timeout')")
        assert cursor.fetchone() == ("8MB", "4321ms")
    session.close()


def test_a_parameter_that_only_options_can_set_is_accepted(settings: Settings) -> None:
    session = open_session(f"{settings.database_url}?options=-c%20log_disconnections%3Don", "test")
    assert differences(session) == {}
    session.close()


def refuse_options(listener: socket.socket) -> None:
    """Answer one connection as PgBouncer does."""
    client, _ = listener.accept()
    with client:
        client.recv(65536)
        fields = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
        client.sendall(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
        client.recv(65536)


def test_a_pooler_that_refuses_options_is_named_with_the_cure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse_options, args=(listener,))
        thread.start()
        port = listener.getsockname()[1]
        with pytest.raises(UnusableDatabaseError, match="ignore_startup_parameters = options"):
            check_database(f"postgresql://u@127.0.0.1:{port}/d?sslmode=disable&gssencmode=disable")
        thread.join()


def test_a_session_outside_the_pools_reaches_the_servers_that_the_pools_reach(settings: Settings) -> None:
    """libpq would take the last host only, with its port as a part of the name."""
    scheme, _, rest = settings.database_url.replace("+psycopg2", "").partition("://")
    login, _, address = rest.rpartition("@")
    host_and_port, _, name = address.partition("/")
    open_session(f"{scheme}://{login}@/{name}?host=127.0.0.1:9&host={host_and_port}", "test").close()
    open_session(f"{settings.database_url}?options=-c+search_path%3Dpublic", "test").close()
