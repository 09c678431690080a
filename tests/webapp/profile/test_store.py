"""REPLACE_PROFILE: versions, former profiles, repeats, and concurrent changes."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from contracts.database import Database
from tests.transactions import slow_commit
from webapp.profile.model import Profile
from webapp.profile.store import find_profile, replace_profile

FORMER = text("SELECT version, profile, replaced_at FROM former_profiles WHERE user_id = :user ORDER BY version")


def profile(goal: str) -> Profile:
    return Profile(goals=(goal,))


def former(database: Database, user: UUID) -> list[tuple[int, Any]]:
    return [(row.version, row.profile) for row in database.rows(FORMER, user=user)]


def test_an_unknown_user_has_an_empty_profile_of_version_0(database: Database) -> None:
    found = find_profile(database, uuid4())
    assert (found.version, found.profile) == (0, Profile())


def test_each_change_raises_the_version_and_keeps_the_former_profile(database: Database, user_id: UUID) -> None:
    for version, goal in enumerate(("a", "b"), start=1):
        replacement = replace_profile(database, user_id, profile(goal), None)
        assert (replacement.stored, replacement.present.version) == (True, version)
    assert find_profile(database, user_id).profile == profile("b")
    assert former(database, user_id) == [(0, {}), (1, {"goals": ["a"]})]


def test_the_first_profile_creates_its_user(database: Database) -> None:
    user = uuid4()
    assert replace_profile(database, user, profile("a"), 0).present.version == 1
    assert former(database, user) == [(0, {})]


def test_repeating_a_change_after_a_lost_answer_changes_nothing(database: Database, user_id: UUID) -> None:
    for expected in (0, 0, None, 7):
        replacement = replace_profile(database, user_id, profile("a"), expected)
        assert (replacement.stored, replacement.present.version) == (True, 1)
    assert former(database, user_id) == [(0, {})]


def test_a_change_of_another_version_stores_nothing_and_returns_the_present_profile(
    database: Database, user_id: UUID
) -> None:
    replace_profile(database, user_id, profile("a"), None)
    for expected in (0, 2):
        replacement = replace_profile(database, user_id, profile("b"), expected)
        assert not replacement.stored
        assert (replacement.present.version, replacement.present.profile) == (1, profile("a"))
    assert former(database, user_id) == [(0, {})]


def test_of_two_concurrent_changes_of_one_version_the_second_is_refused(database: Database, user_id: UUID) -> None:
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as slow_database:
            assert replace_profile(slow_database, user_id, profile("a"), 0).stored
            second = pool.submit(replace_profile, database, user_id, profile("b"), 0)
        refused = second.result(10)
    assert (refused.stored, refused.present.version, refused.present.profile) == (False, 1, profile("a"))
    assert former(database, user_id) == [(0, {})]


def test_two_concurrent_changes_of_any_version_end_as_if_one_came_after_the_other(
    database: Database, user_id: UUID
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as slow_database:
            assert replace_profile(slow_database, user_id, profile("a"), None).present.version == 1
            second = pool.submit(replace_profile, database, user_id, profile("b"), None)
        assert second.result(10).present.version == 2
    assert former(database, user_id) == [(0, {}), (1, {"goals": ["a"]})]


def test_two_concurrent_equal_changes_are_one(database: Database, user_id: UUID) -> None:
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as slow_database:
            replace_profile(slow_database, user_id, profile("a"), 0)
            second = pool.submit(replace_profile, database, user_id, profile("a"), 0)
        assert (second.result(10).stored, second.result(10).present.version) == (True, 1)
    assert former(database, user_id) == [(0, {})]


def test_many_first_changes_of_one_new_user_are_all_kept(database: Database) -> None:
    user = uuid4()
    with ThreadPoolExecutor(6) as pool:
        changes = list(pool.map(lambda goal: replace_profile(database, user, profile(goal), None), "abcdef"))
    assert sorted(change.present.version for change in changes) == [1, 2, 3, 4, 5, 6]
    assert [version for version, _ in former(database, user)] == [0, 1, 2, 3, 4, 5]
