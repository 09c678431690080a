"""Tests Decide on a real PostgreSQL: which heads it takes over when their lease has expired."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from uuid import UUID, uuid4

import pytest

from contracts.database import Database
from tests.bridge.thoughts import (
    add_claimed_thought,
    decide_once,
    record_of,
    thought_row,
    update_thought,
)
from tests.stores import Stores, temporary_database


@pytest.fixture(scope="module")
def database_url(stores: Stores, template: str) -> Iterator[str]:
    with temporary_database(stores, template) as url:
        yield url


def test_only_one_of_many_concurrent_bridges_takes_over_an_expired_head(database: Database, user_id: UUID) -> None:
    thought, version = add_claimed_thought(database, user_id)
    record, start = record_of(database, thought), Barrier(4)

    def bridge(_: int) -> bool:
        start.wait()
        head = decide_once(database, record, expired_version=version).head
        return head is not None and head.needs_dispatch

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(bridge, range(4))) == 1
    assert thought_row(database, thought).sends == 2


@pytest.mark.parametrize(
    "difference", [{"dispatch_id": 99}, {"beat": 99}, {"thought_id": UUID(int=5)}], ids=["token", "beat", "thought"]
)
def test_a_head_with_another_version_than_the_expired_one_is_not_taken_over(
    database: Database, user_id: UUID, difference: dict[str, UUID | int]
) -> None:
    thought, version = add_claimed_thought(database, user_id)
    before = thought_row(database, thought)
    other_version = replace(version, **difference)  # type: ignore[arg-type]
    head = decide_once(database, record_of(database, thought), expired_version=other_version).head
    assert head is not None
    assert not head.needs_dispatch
    assert thought_row(database, thought) == before


def test_an_expired_head_in_a_call_gets_a_new_token_and_counts_a_loss(database: Database, user_id: UUID) -> None:
    thought, version = add_claimed_thought(database, user_id)
    update_thought(database, thought, call_id=uuid4(), attempts=2, sends=5, steps_done=3)
    head = decide_once(database, record_of(database, thought), expired_version=version).head
    row = thought_row(database, thought)
    assert head is not None
    assert (head.needs_dispatch, head.begins, head.in_call) == (True, False, False)
    assert (head.dispatch_id, head.losses, head.sends, head.steps_done) == (version.dispatch_id + 1, 1, 1, 3)
    assert (row.dispatch_id, row.losses, row.sends, row.call_id) == (version.dispatch_id + 1, 1, 1, None)
    assert (row.attempts, row.beat) == (2, version.beat + 1)


def test_an_expired_head_in_a_queue_keeps_its_token_and_counts_a_send(database: Database, user_id: UUID) -> None:
    thought, version = add_claimed_thought(database, user_id)
    head = decide_once(database, record_of(database, thought), expired_version=version).head
    assert head is not None
    assert (head.needs_dispatch, head.begins, head.sends, head.losses) == (True, False, 2, 0)
    assert head.dispatch_id == version.dispatch_id == thought_row(database, thought).dispatch_id
    next_head = decide_once(database, record_of(database, thought), expired_version=head.version).head
    assert next_head is not None
    assert (next_head.sends, next_head.beat) == (3, head.beat + 1)


def test_a_repeated_request_takes_no_head_over_twice(database: Database, user_id: UUID) -> None:
    thought, version = add_claimed_thought(database, user_id)
    record = record_of(database, thought)
    decide_once(database, record, expired_version=version)
    after = thought_row(database, thought)
    head = decide_once(database, record, expired_version=version).head
    assert head is not None
    assert not head.needs_dispatch
    assert thought_row(database, thought) == after
