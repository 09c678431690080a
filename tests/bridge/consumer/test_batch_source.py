"""Tests batch mode: a batch covers every unfinished thought of every user, and ends when all of them are terminal."""

from typing import Any
from uuid import UUID

import pytest

from bridge.consumer.batch_source import END, OPEN, USERS_PER_POLL, BatchSource
from contracts.database import Database, make_engine
from contracts.settings import Settings
from tests.bridge.batch_mode import has_begun, has_ended, request_batch, running_batch_bridge
from tests.bridge.lane_examples import make_decision
from tests.bridge.thoughts import add_thought, add_user, finish_thought, thought_row
from tests.bridge.worker_threads import completed_thoughts, running_workers
from tests.eventually import eventually


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_mode": False}


def test_a_batch_works_through_every_line_in_its_order_and_ends(settings: Settings, database: Database) -> None:
    lines = {user: [add_thought(database, user) for _ in range(4)] for user in [add_user(database) for _ in range(5)]}
    batch = request_batch(database)
    with running_workers(settings, database) as completions, running_batch_bridge(settings, database):
        eventually(lambda: has_ended(database, batch), timeout=60)
    assert {user: completed_thoughts(user, completions) for user in lines} == lines
    assert {thought_row(database, thought).status for line in lines.values() for thought in line} == {"completed"}


def test_the_lane_gets_no_user_without_a_batch(settings: Settings, database: Database, user_id: UUID) -> None:
    thought = add_thought(database, user_id)
    source = BatchSource(settings, database)
    source.poll(0.0)
    assert next(iter(source.lanes())).users() == []
    assert thought_row(database, thought).status == "pending"


def test_a_batch_that_has_not_begun_does_not_end(database: Database) -> None:
    """It may be requested between the statement that begins batches and the one that ends them."""
    batch = request_batch(database)
    assert database.rows(END) == []
    assert [row.id for row in database.rows(OPEN)] == [batch]


def test_an_empty_batch_ends_at_once(settings: Settings, database: Database) -> None:
    batch = request_batch(database)
    BatchSource(settings, database).poll(0.0)
    assert has_ended(database, batch)


def test_a_thought_written_after_the_request_waits_for_the_next_batch(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    before = add_thought(database, user_id)
    batch = request_batch(database)
    add_thought(database, user_id)
    source = BatchSource(settings, database)
    source.poll(0.0)
    (request,) = next(iter(source.lanes())).due_requests(0.0)
    assert [record.thought_id for record in request.records] == [before]
    finish_thought(database, before)
    poll_at_once(source)
    assert has_ended(database, batch)


def test_a_user_is_added_once_while_the_lane_holds_it_and_again_afterwards(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    thought = add_thought(database, user_id)
    request_batch(database)
    source = BatchSource(settings, database)
    (lane,) = source.lanes()
    source.poll(0.0)
    poll_at_once(source)
    (request,) = lane.due_requests(0.0)
    assert [record.thought_id for record in request.records] == [thought]
    lane.decided(make_decision(user_id, None, o0="done"), 0.0)
    poll_at_once(source)
    assert lane.users() == [user_id]


def test_batches_begin_and_end_while_the_lane_is_full(settings: Settings, database: Database) -> None:
    thoughts = [add_thought(database, add_user(database)) for _ in range(2 * USERS_PER_POLL + 1)]
    source = BatchSource(settings, database)
    (lane,) = source.lanes()
    first = request_batch(database)
    source.poll(0.0)
    poll_at_once(source)
    assert lane.is_full
    second = request_batch(database)
    poll_at_once(source)
    assert has_begun(database, second)
    assert len(lane.users()) == 2 * USERS_PER_POLL
    for thought in thoughts:
        finish_thought(database, thought)
    poll_at_once(source)
    assert has_ended(database, first)
    assert has_ended(database, second)


def test_a_batch_continues_after_an_outage_of_postgresql(settings: Settings, database: Database) -> None:
    batch = request_batch(database)
    source = BatchSource(settings, Database(make_engine("postgresql+psycopg2://nobody@127.0.0.1:9/none", "test")))
    source.poll(0.0)
    source._database = database
    poll_at_once(source)
    assert has_ended(database, batch)


def poll_at_once(source: BatchSource) -> None:
    """Poll without waiting for the rest of the interval."""
    source._polled_at = -1e9
    source.poll(0.0)
