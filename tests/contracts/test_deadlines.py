"""Every wait for PostgreSQL has a deadline, and each engine has its own."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from contracts.database import Database, make_engine
from contracts.settings import Settings
from tests.tcp_proxy import TcpProxy, proxy_for

SELECT_ONE = text("SELECT 1")


@contextmanager
def make_database(url: str, seconds: float) -> Iterator[Database]:
    engine = make_engine(url, "test", statement_seconds=seconds)
    try:
        yield Database(engine)
    finally:
        engine.dispose()


@pytest.fixture
def postgres_proxy(settings: Settings) -> Iterator[TcpProxy]:
    with proxy_for(settings.database_url) as proxy:
        yield proxy


def test_a_statement_times_out_when_packets_are_dropped_and_the_next_one_gets_a_new_connection(
    settings: Settings, postgres_proxy: TcpProxy
) -> None:
    with make_database(postgres_proxy.proxied_url(settings.database_url), 2.0) as database:
        database.rows(SELECT_ONE)
        postgres_proxy.stall()
        with pytest.raises(OperationalError, match=r"did not answer within 2 s"):
            database.rows(SELECT_ONE)
        postgres_proxy.resume()
        assert database.rows(SELECT_ONE) == [(1,)]


def test_connecting_times_out_when_packets_are_dropped(settings: Settings, postgres_proxy: TcpProxy) -> None:
    postgres_proxy.stall()
    with (
        make_database(postgres_proxy.proxied_url(settings.database_url), 0.3) as database,
        pytest.raises(OperationalError),
    ):
        database.rows(SELECT_ONE)


def test_each_engine_of_a_process_has_its_own_deadline(settings: Settings, postgres_proxy: TcpProxy) -> None:
    with (
        make_database(postgres_proxy.proxied_url(settings.database_url), 30) as database_30s,
        make_database(settings.database_url, 0.3) as database_300ms,
    ):
        database_30s.rows(SELECT_ONE)
        postgres_proxy.answer_delay = 0.5
        assert database_30s.rows(SELECT_ONE) == [(1,)]
        with pytest.raises(OperationalError):
            database_300ms.rows(text("SELECT pg_sleep(5)"))
