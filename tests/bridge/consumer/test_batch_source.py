"""Batch mode: a row in `batches` works off every open thought of every user, and ends when they have ended."""

from typing import Any
from uuid import UUID

import pytest

from bridge.consumer.batch_source import END, OPEN, USERS_PER_POLL, BatchSource
from contracts.database import Database, make_engine
from contracts.settings import Settings
from tests.bridge.batch_mode import ask_for_a_batch, has_begun, has_ended, running
from tests.bridge.lane_examples import an_answer
from tests.bridge.thoughts import add_thought, add_user, end, row
from tests.bridge.worker_threads import line_of, workers
from tests.eventually import eventually


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_mode": False}


def test_a_batch_works_off_every_line_in_its_order_and_ends(settings: Settings, database: Database) -> None:
    lines = {user: [add_thought(database, user) for _ in range(4)] for user in [add_user(database) for _ in range(5)]}
    batch = ask_for_a_batch(database)
    with workers(settings, database) as ended, running(settings, database):
        eventually(lambda: has_ended(database, batch), timeout=60)
    assert {user: line_of(user, ended) for user in lines} == lines
    assert {row(database, one).status for line in lines.values() for one in line} == {"completed"}


def test_without_a_batch_nothing_is_taken(settings: Settings, database: Database, user_id: UUID) -> None:
    thought = add_thought(database, user_id)
    source = BatchSource(settings, database)
    source.poll(0.0)
    assert next(iter(source.lanes())).users() == []
    assert row(database, thought).status == "pending"


def test_a_batch_that_nobody_has_begun_does_not_end(database: Database) -> None:
    """It may have been asked for between a bridge's look for new ones and its look for ended ones."""
    batch = ask_for_a_batch(database)
    assert database.rows(END) == []
    assert [row.id for row in database.rows(OPEN)] == [batch]


def test_an_empty_batch_ends_at_once(settings: Settings, database: Database) -> None:
    batch = ask_for_a_batch(database)
    BatchSource(settings, database).poll(0.0)
    assert has_ended(database, batch)


def test_what_is_written_after_the_batch_was_asked_for_waits_for_the_next_one(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    before = add_thought(database, user_id)
    batch = ask_for_a_batch(database)
    add_thought(database, user_id)
    source = BatchSource(settings, database)
    source.poll(0.0)
    (ask,) = next(iter(source.lanes())).due_requests(0.0)
    assert [record.thought_id for record in ask.records] == [before]
    end(database, before)
    again(source)
    assert has_ended(database, batch)


def test_a_user_is_fed_once_while_the_lane_holds_them_and_again_when_they_are_forgotten(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    thought = add_thought(database, user_id)
    ask_for_a_batch(database)
    source = BatchSource(settings, database)
    (lane,) = source.lanes()
    source.poll(0.0)
    again(source)
    (ask,) = lane.due_requests(0.0)
    assert [record.thought_id for record in ask.records] == [thought]
    lane.decided(an_answer(user_id, None, o0="done"), 0.0)
    again(source)
    assert lane.users() == [user_id]


def test_while_the_lane_is_full_another_batch_begins_and_those_that_are_over_end(
    settings: Settings, database: Database
) -> None:
    line = [add_thought(database, add_user(database)) for _ in range(2 * USERS_PER_POLL + 1)]
    source = BatchSource(settings, database)
    (lane,) = source.lanes()
    first = ask_for_a_batch(database)
    source.poll(0.0)
    again(source)
    assert lane.is_full
    second = ask_for_a_batch(database)
    again(source)
    assert has_begun(database, second)
    assert len(lane.users()) == 2 * USERS_PER_POLL
    for thought in line:
        end(database, thought)
    again(source)
    assert has_ended(database, first)
    assert has_ended(database, second)


def test_a_batch_that_waits_for_postgresql_is_taken_up_again(settings: Settings, database: Database) -> None:
    batch = ask_for_a_batch(database)
    source = BatchSource(settings, Database(make_engine("postgresql+psycopg2://nobody@127.0.0.1:9/none", "test")))
    source.poll(0.0)
    source._database = database
    again(source)
    assert has_ended(database, batch)


def again(source: BatchSource) -> None:
    """Look at once, without waiting for the second that is between two looks."""
    source._polled_at = -1e9
    source.poll(0.0)
