"""A sign-in at the same moment as other requests: both end as if one had come after the other, and nothing is lost.

In each test the first statement has not committed when the second one waits for its locks.
"""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import text

from bridge.dead_letters.replay import replay
from contracts.database import Database
from contracts.events import parse_created
from contracts.settings import Settings
from contracts.thought_vectors import store_vector
from tests.bridge.thoughts import decide_once, finish_thought, record_of, thought_row
from tests.tasks.thoughts import outbox_rows
from tests.transactions import slow_commit
from tests.webapp.accounts.joined_users import Pair, add_pair
from webapp.accounts import store
from webapp.accounts.account_deletion import CLOSE_ACCOUNT, OWNERS
from webapp.profile.model import Profile
from webapp.profile.store import find_profile, replace_profile


@pytest.fixture
def pair(database: Database, settings: Settings) -> Pair:
    return add_pair(database, settings)


def slow(pair: Pair, database: Database) -> Pair:
    """Return the same pair on another database."""
    return Pair(database, pair.settings, pair.anonymous, pair.account)


def test_a_thought_that_is_being_accepted_is_moved_too(pair: Pair) -> None:
    first = pair.write(pair.anonymous)
    with ThreadPoolExecutor() as pool:
        with slow_commit(pair.database) as uncommitted:
            late = slow(pair, uncommitted).write(pair.anonymous)
            joined = pool.submit(pair.join)
        joined.result(10)
    assert pair.line_ids(pair.account) == [*first, *late]


def test_a_thought_that_waits_for_the_join_is_accepted_for_the_account(pair: Pair) -> None:
    first = pair.write(pair.anonymous)
    with ThreadPoolExecutor() as pool:
        with slow_commit(pair.database) as uncommitted:
            slow(pair, uncommitted).join()
            written = pool.submit(pair.write, pair.anonymous)
        late = written.result(10)
    assert pair.line_ids(pair.account) == [*first, *late]
    row = outbox_rows(pair.database, pair.settings.kafka_topic)[-1]
    assert (row.key, parse_created(bytes(row.value)).user_id) == (str(pair.account), pair.account)


def test_a_head_in_flight_waits_behind_a_thought_that_the_account_accepts_at_that_moment(pair: Pair) -> None:
    (moved,) = pair.write(pair.anonymous)
    assert decide_once(pair.database, record_of(pair.database, moved)).head is not None
    with ThreadPoolExecutor() as pool:
        with slow_commit(pair.database) as uncommitted:
            own = slow(pair, uncommitted).write(pair.account)
            joined = pool.submit(pair.join)
        joined.result(10)
    assert [(row.id, row.status) for row in pair.line(pair.account)] == [(own[0], "pending"), (moved, "pending")]


def test_a_replayed_thought_is_moved_with_its_new_turn(pair: Pair) -> None:
    (failed,) = pair.write(pair.anonymous)
    failure = add_failure(pair, failed)
    with ThreadPoolExecutor() as pool:
        with slow_commit(pair.database) as uncommitted:
            assert replay(uncommitted, failure, pair.settings).changed
            joined = pool.submit(pair.join)
        joined.result(10)
    assert [(row.id, row.turn) for row in pair.line(pair.account)] == [(failed, 3)]


def test_a_failed_thought_is_replayed_in_the_accounts_line_and_name(pair: Pair) -> None:
    (failed,) = pair.write(pair.anonymous)
    failure = add_failure(pair, failed)
    pair.write(pair.account)
    pair.join()
    assert replay(pair.database, failure, pair.settings).changed
    assert pair.line_ids(pair.account)[-1] == failed
    row = outbox_rows(pair.database, pair.settings.kafka_topic)[-1]
    assert (row.key, parse_created(bytes(row.value)).user_id) == (str(pair.account), pair.account)


def test_a_user_that_signs_up_at_that_moment_keeps_its_thoughts(pair: Pair) -> None:
    own = pair.write(pair.anonymous)
    with ThreadPoolExecutor() as pool:
        with slow_commit(pair.database) as uncommitted:
            assert store.create(uncommitted, pair.anonymous, "new@example.org", "a hash")
            joined = pool.submit(pair.join)
        joined.result(10)
    assert (pair.line_ids(pair.anonymous), pair.line_ids(pair.account)) == (own, [])


def test_of_two_accounts_that_sign_in_at_once_one_gets_all_thoughts(pair: Pair) -> None:
    moved, other = pair.write(pair.anonymous, 2), add_pair(pair.database, pair.settings)
    second = Pair(pair.database, pair.settings, pair.anonymous, other.account)
    with ThreadPoolExecutor() as pool:
        with slow_commit(pair.database) as uncommitted:
            slow(pair, uncommitted).join()
            joined = pool.submit(second.join)
        joined.result(10)
    assert (pair.line_ids(pair.account), pair.line_ids(other.account)) == (moved, [])


def test_a_deletion_of_the_account_that_began_before_does_not_end_without_the_moved_thoughts(pair: Pair) -> None:
    (ended,) = pair.write(pair.anonymous)
    finish_thought(pair.database, ended)
    pair.write(pair.account, 3)
    last_turn = pair.database.rows(OWNERS, user=pair.account)[0].last_turn
    pair.join()
    assert pair.database.rows(CLOSE_ACCOUNT, user=pair.account, turn=last_turn, details="{}") == []


def test_a_vector_that_is_being_stored_follows_its_thought(pair: Pair) -> None:
    (moved,) = pair.write(pair.anonymous)
    with ThreadPoolExecutor() as pool:
        with slow_commit(pair.database) as uncommitted:
            store_vector(uncommitted, moved, "model", [1.0] * 384)
            joined = pool.submit(pair.join)
        joined.result(10)
    (row,) = pair.database.rows(text("SELECT user_id FROM thought_vectors"))
    assert row.user_id == pair.account


def test_a_profile_that_is_stored_during_the_join_is_the_accounts(pair: Pair) -> None:
    with ThreadPoolExecutor() as pool:
        with slow_commit(pair.database) as uncommitted:
            slow(pair, uncommitted).join()
            stored = pool.submit(replace_profile, pair.database, pair.anonymous, Profile(goals=("Rest",)), None)
        assert stored.result(10).stored
    assert find_profile(pair.database, pair.account).profile.goals == ("Rest",)


def add_failure(pair: Pair, thought: UUID) -> str:
    """Let a thought fail; return its failure id."""
    finish_thought(pair.database, thought, "failed")
    failure = f"{thought}:{thought_row(pair.database, thought).turn}"
    add_letter = text("""
        INSERT INTO dead_letters (failure_id, thought_id, turn, reason, headers)
        SELECT :failure, id, turn, 'permanent', '{}' FROM thoughts WHERE id = :id
    """)
    pair.database.rows(add_letter, failure=failure, id=thought)
    return failure
