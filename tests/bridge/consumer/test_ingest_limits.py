"""Tests that one call of ingestion is short, keeps the order of the log, and waits for PostgreSQL."""

from collections.abc import Iterator
from itertools import count
from uuid import UUID, uuid4

import pytest

from bridge.consumer.ingest import MAX_ITEMS_PER_CALL, MAX_SECONDS_PER_CALL, Ingestion
from bridge.consumer.lane import Lane
from contracts.accept import Accepted
from contracts.database import Database, make_engine
from contracts.events import thought_created
from contracts.settings import Settings
from tests.bridge.ingesting import add_to_lane, dead_letters_from, make_ingestion
from tests.bridge.thoughts import thought_row
from tests.stores import Stores, temporary_database


@pytest.fixture(scope="module")
def database_url(stores: Stores, template: str) -> Iterator[str]:
    with temporary_database(stores, template) as url:
        yield url


@pytest.fixture
def ingestion(settings: Settings, database: Database) -> Ingestion:
    return make_ingestion(database, settings)


@pytest.fixture
def lane() -> Lane:
    return Lane(0, 20.0)


def test_one_call_processes_a_limited_number_of_records(ingestion: Ingestion, lane: Lane) -> None:
    for offset in range(MAX_ITEMS_PER_CALL + 5):
        add_to_lane(lane, offset, b"no event", topic="flood")
    ingestion.work(lane, 0.0)
    assert lane.frontier == MAX_ITEMS_PER_CALL
    ingestion.work(lane, 0.0)
    assert lane.is_idle


def test_one_call_starts_no_record_after_its_time_limit(lane: Lane, database: Database, settings: Settings) -> None:
    seconds = count(0.0, MAX_SECONDS_PER_CALL / 2)  # every reading of the clock adds half of the time limit
    ingestion = make_ingestion(database, settings, lambda: next(seconds))
    for offset in range(5):
        add_to_lane(lane, offset, b"no event", topic="slow")
    for frontier in (2, 4, 5):
        ingestion.work(lane, 0.0)
        assert lane.frontier == frontier
    assert lane.is_idle


def test_records_wait_in_their_order_while_postgresql_is_unavailable(
    ingestion: Ingestion, lane: Lane, settings: Settings, database: Database, user_id: UUID
) -> None:
    first, second = uuid4(), uuid4()
    for offset, thought in enumerate((first, second)):
        add_to_lane(lane, offset, thought_created(user_id, thought, "Patience").to_bytes())
    unavailable = Database(make_engine("postgresql+psycopg2://nobody@127.0.0.1:9/none", "test"))
    make_ingestion(unavailable, settings).work(lane, 10.0)
    assert lane.next_ingest(10.0) is None
    assert lane.frontier == 0
    ingestion.work(lane, 11.0)
    assert [thought_row(database, thought).turn for thought in (first, second)] == [1, 2]


def test_accept_is_repeated_after_an_answer_without_a_turn(
    ingestion: Ingestion, lane: Lane, database: Database, user_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_to_lane(lane, 0, thought_created(user_id, uuid4(), "Two at once").to_bytes(), topic="again")
    with monkeypatch.context() as patched:
        patched.setattr("bridge.consumer.ingest.accept", lambda *_, **__: Accepted(True, None, None, None, False))
        ingestion.work(lane, 0.0)
    assert dead_letters_from(database, "again") == []
    ingestion.work(lane, 1.0)
    (request,) = lane.due_requests(1.0)
    assert request.records[0].turn == 1
