"""Every wait for PostgreSQL has an end, and the end of one engine is not another's."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from contracts.database import Database, make_engine
from contracts.settings import Settings
from tests.tcp_proxy import TcpProxy, proxy_before

ONE = text("SELECT 1")


@contextmanager
def a_database(url: str, seconds: float) -> Iterator[Database]:
    engine = make_engine(url, "test", statement_seconds=seconds)
    try:
        yield Database(engine)
    finally:
        engine.dispose()


@pytest.fixture
def postgres_proxy(settings: Settings) -> Iterator[TcpProxy]:
    with proxy_before(settings.database_url) as postgres_proxy:
        yield postgres_proxy


def test_a_statement_into_a_black_hole_ends_and_the_next_one_finds_a_good_connection(
    settings: Settings, postgres_proxy: TcpProxy
) -> None:
    with a_database(postgres_proxy.url(settings.database_url), 2.0) as database:
        database.rows(ONE)
        postgres_proxy.stall()
        with pytest.raises(OperationalError, match=r"did not answer within 2 s"):
            database.rows(ONE)
        postgres_proxy.resume()
        assert database.rows(ONE) == [(1,)]


def test_a_connection_into_a_black_hole_ends(settings: Settings, postgres_proxy: TcpProxy) -> None:
    postgres_proxy.stall()
    with a_database(postgres_proxy.url(settings.database_url), 0.3) as database, pytest.raises(OperationalError):
        database.rows(ONE)


def test_two_engines_of_one_process_have_each_its_own_deadline(settings: Settings, postgres_proxy: TcpProxy) -> None:
    with (
        a_database(postgres_proxy.url(settings.database_url), 30) as patient,
        a_database(settings.database_url, 0.3) as hasty,
    ):
        patient.rows(ONE)
        postgres_proxy.answer_delay = 0.5
        assert patient.rows(ONE) == [(1,)]
        with pytest.raises(OperationalError):
            hasty.rows(text("SELECT pg_sleep(5)"))
