"""The intake's share of the bridge's loop: it ends soon, keeps the order of the log, and waits for PostgreSQL."""

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
from tests.bridge.ingesting import an_intake, bring, letters
from tests.bridge.thoughts import row
from tests.stores import Stores, a_database


@pytest.fixture(scope="module")
def database_url(stores: Stores, template: str) -> Iterator[str]:
    with a_database(stores, template) as url:
        yield url


@pytest.fixture
def intake(settings: Settings, database: Database) -> Ingestion:
    return an_intake(database, settings)


@pytest.fixture
def lane() -> Lane:
    return Lane(0, 20.0)


def test_a_flood_of_garbage_leaves_the_loop_its_turns(intake: Ingestion, lane: Lane) -> None:
    for offset in range(MAX_ITEMS_PER_CALL + 5):
        bring(lane, offset, b"no event", topic="flood")
    intake.work(lane, 0.0)
    assert lane.frontier == MAX_ITEMS_PER_CALL
    intake.work(lane, 0.0)
    assert lane.is_idle


def test_a_slow_postgresql_leaves_the_loop_its_turns(lane: Lane, database: Database, settings: Settings) -> None:
    seconds = count(0.0, MAX_SECONDS_PER_CALL / 2)  # each look at the clock finds so much more of the turn over
    intake = an_intake(database, settings, lambda: next(seconds))
    for offset in range(5):
        bring(lane, offset, b"no event", topic="slow")
    for done in (2, 4, 5):
        intake.work(lane, 0.0)
        assert lane.frontier == done
    assert lane.is_idle


def test_postgresql_away_keeps_the_record_and_its_order(
    intake: Ingestion, lane: Lane, settings: Settings, database: Database, user_id: UUID
) -> None:
    first, second = uuid4(), uuid4()
    for offset, thought in enumerate((first, second)):
        bring(lane, offset, thought_created(user_id, thought, "Patience").to_bytes())
    nowhere = Database(make_engine("postgresql+psycopg2://nobody@127.0.0.1:9/none", "test"))
    an_intake(nowhere, settings).work(lane, 10.0)
    assert lane.next_ingest(10.0) is None
    assert lane.frontier == 0
    intake.work(lane, 11.0)
    assert [row(database, thought).turn for thought in (first, second)] == [1, 2]


def test_an_answer_without_a_turn_is_asked_for_again_and_buries_nothing(
    intake: Ingestion, lane: Lane, database: Database, user_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(lane, 0, thought_created(user_id, uuid4(), "Two at once").to_bytes(), topic="again")
    with monkeypatch.context() as patched:
        patched.setattr("bridge.consumer.ingest.accept", lambda *_, **__: Accepted(True, None, None, None, False))
        intake.work(lane, 0.0)
    assert letters(database, "again") == []
    intake.work(lane, 1.0)
    (ask,) = lane.due_requests(1.0)
    assert ask.records[0].turn == 1
