"""CLAIM and SAVE while the profile changes: a thought is analysed with the profile that its author had."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from contracts.database import Database
from contracts.settings import Settings
from tasks.step_store import Claim, Step, StepStore
from tests.tasks.conftest import MakeRunner
from tests.tasks.fake_provider import FakeProvider
from tests.tasks.step_stores import save_step
from tests.tasks.thoughts import accept_thought, agent_run_rows, dispatch_head, set_columns, step_of
from tests.transactions import in_transaction, slow_commit, transaction, wait_until_blocking
from webapp.profile.model import Profile
from webapp.profile.store import replace_profile

LOCK_USER = text("SELECT FROM users WHERE id = :user FOR NO KEY UPDATE")
WRITTEN_NOW = text("UPDATE thoughts SET created_at = clock_timestamp() WHERE user_id = :user")


def profile(goal: str) -> Profile:
    return Profile(goals=(goal,))


@pytest.fixture
def author(database: Database) -> UUID:
    """A user whose profile of version 1 has the goal "first"."""
    user = uuid4()
    replace_profile(database, user, profile("first"), None)
    return user


def accept_step(database: Database, settings: Settings, author: UUID) -> Step:
    return step_of(dispatch_head(database, accept_thought(database, settings, user_id=author)))


def claim_step(step_store: StepStore, step: Step) -> tuple[Claim, UUID]:
    call = uuid4()
    claim = step_store.claim(step, call)
    assert claim is not None
    assert claim.result == "run"
    return claim, call


def seen(claim: Claim) -> tuple[int, list[str]]:
    return claim.profile_version, claim.profile.get("goals", [])


def test_an_author_without_a_profile_has_an_empty_one_of_version_0(step_store: StepStore, step: Step) -> None:
    claim, _ = claim_step(step_store, step)
    assert (claim.profile_version, claim.profile) == (0, {})


def test_all_steps_see_the_profile_of_the_time_when_the_thought_was_written(
    database: Database, settings: Settings, step_store: StepStore, author: UUID
) -> None:
    step = accept_step(database, settings, author)
    for number, goal in enumerate(("second", "third", "fourth"), start=1):
        claim, call = claim_step(step_store, replace(step, number=number))
        assert seen(claim) == (1, ["first"])
        assert save_step(step_store, replace(step, number=number), call)
        replace_profile(database, author, profile(goal), None)
    assert seen(claim_step(step_store, replace(step, number=4))[0]) == (1, ["first"])


def test_a_change_applies_to_a_later_thought(
    database: Database, settings: Settings, step_store: StepStore, author: UUID
) -> None:
    first = accept_step(database, settings, author)
    replace_profile(database, author, profile("second"), None)
    set_columns(database, first.thought_id, "status = 'failed', finished_at = now()")
    assert seen(claim_step(step_store, accept_step(database, settings, author))[0]) == (2, ["second"])
    set_columns(database, first.thought_id, "status = 'processing', finished_at = NULL")
    assert seen(claim_step(step_store, first)[0]) == (1, ["first"]), "a thought that is replayed keeps its profile"


def test_another_users_profile_is_never_seen(
    database: Database, settings: Settings, step_store: StepStore, author: UUID
) -> None:
    step = accept_step(database, settings, uuid4())
    replace_profile(database, author, profile("second"), None)
    assert seen(claim_step(step_store, step)[0]) == (0, [])


def test_a_result_is_saved_with_the_version_of_the_profile_that_its_agent_saw(
    database: Database, settings: Settings, make_runner: MakeRunner, author: UUID
) -> None:
    step = accept_step(database, settings, author)
    replace_profile(database, author, profile("second"), None)
    provider = FakeProvider()
    make_runner(provider).run(step)
    assert provider.inputs[0].profile == {"goals": ["first"]}
    assert [run.profile_version for run in agent_run_rows(database, step.thought_id)] == [1]


def test_a_thought_that_was_accepted_before_a_waiting_change_sees_the_former_profile(
    database: Database, settings: Settings, step_store: StepStore, author: UUID
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as slow_database:
            accepted = accept_thought(slow_database, settings, user_id=author)
            change = pool.submit(replace_profile, database, author, profile("second"), None)
        assert change.result(10).present.version == 2
    assert seen(claim_step(step_store, step_of(dispatch_head(database, accepted)))[0]) == (1, ["first"])


def test_a_thought_that_waits_for_a_change_sees_the_new_profile(
    database: Database, settings: Settings, step_store: StepStore, author: UUID
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as slow_database:
            replace_profile(slow_database, author, profile("second"), None)
            accepted = pool.submit(accept_thought, database, settings, user_id=author)
        step = step_of(dispatch_head(database, accepted.result(10)))
    assert seen(claim_step(step_store, step)[0]) == (2, ["second"])


def test_a_thought_that_is_written_while_a_change_waits_for_it_sees_the_former_profile(
    database: Database, settings: Settings, step_store: StepStore, author: UUID
) -> None:
    """The change began first, but the thought got the lock: a worker may claim it before the change is committed."""
    with ThreadPoolExecutor(1) as pool:
        with transaction(database) as connection:
            connection.execute(LOCK_USER, {"user": author})
            change = pool.submit(replace_profile, database, author, profile("second"), None)
            wait_until_blocking(database, connection)
            accepted = accept_thought(in_transaction(connection), settings, user_id=author)
            connection.execute(WRITTEN_NOW, {"user": author})
        assert change.result(10).present.version == 2
    assert seen(claim_step(step_store, step_of(dispatch_head(database, accepted)))[0]) == (1, ["first"])
