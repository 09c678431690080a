"""The audit of an account that an anonymous user has joined: turns of two lines are not mistaken for each other."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.audit.audit_runs import add_dead_letter, add_runs, finish, only_finding, run_audit
from tests.bridge.thoughts import add_thought, update_thought
from tests.webapp.accounts.joined_users import Pair, add_pair


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_enabled": False}


@pytest.fixture
def pair(database: Database, settings: Settings) -> Pair:
    return add_pair(database, settings)


def add_finished(pair: Pair, user: UUID, number: int) -> list[UUID]:
    """Add completed thoughts, analysed an hour ago; those of equal turns at the same time."""
    thoughts = [add_thought(pair.database, user) for _ in range(number)]
    for thought in thoughts:
        finish(pair.database, thought)
    return thoughts


def begin_call(pair: Pair, thought: UUID, steps: int = 1) -> None:
    """Let the thought be in the call after some saved steps, as of now."""
    add_runs(pair.database, thought, last=steps)
    work = {"status": "processing", "steps_done": steps, "attempts": 1, "call_id": uuid4(), "beat_at": "now"}
    update_thought(pair.database, thought, **work, started_at="yesterday", step_started_at="now")


def test_thoughts_of_two_joined_lines_that_were_analysed_at_the_same_time_are_consistent(
    settings: Settings, database: Database, pair: Pair
) -> None:
    """The first thought of the browser ended after the second and third of the account had begun."""
    add_finished(pair, pair.account, 3)
    (slow,) = add_finished(pair, pair.anonymous, 1)
    update_thought(database, slow, finished_at=datetime.now(UTC) - timedelta(minutes=30))
    failed = add_thought(database, pair.anonymous)
    update_thought(database, failed, status="failed", step_started_at="now", finished_at="now")
    add_dead_letter(database, failed, f"{failed}:2")
    pair.join()
    figures = run_audit(settings, database)
    assert figures["consistent"], figures["finding_details"]
    assert figures["thoughts_checked"] == 5


@pytest.mark.parametrize("has_line", [True, False])
def test_a_call_that_was_in_progress_at_the_join_is_compared_with_neither_line(
    settings: Settings, database: Database, pair: Pair, has_line: bool
) -> None:
    (own,) = add_finished(pair, pair.account, 1)
    update_thought(database, own, finished_at="tomorrow")
    if has_line:
        add_thought(database, pair.account)
    moved = add_thought(database, pair.anonymous)
    begin_call(pair, moved)
    pair.join()
    figures = run_audit(settings, database)
    assert figures["consistent"], figures["finding_details"]


def test_a_call_of_a_killed_worker_is_stalled_only_once_its_thought_is_the_head(
    settings: Settings, database: Database, pair: Pair
) -> None:
    own, moved = add_thought(database, pair.account), add_thought(database, pair.anonymous)
    begin_call(pair, moved)
    pair.join()
    database.rows(text("INSERT INTO batches (asked_at, begun_at) VALUES (now(), now() - interval '1 hour')"))
    update_thought(database, moved, beat_at="yesterday")
    assert run_audit(settings, database)["findings"]["stalled"] == 0
    finish(database, own)
    assert run_audit(settings, database)["findings"]["stalled"] == 1


def test_a_moved_thought_whose_step_begins_before_the_accounts_thoughts_have_ended_is_reported(
    settings: Settings, database: Database, pair: Pair
) -> None:
    add_thought(database, pair.account)
    moved = add_thought(database, pair.anonymous)
    begin_call(pair, moved)
    pair.join()
    update_thought(database, moved, started_at="now", step_started_at="tomorrow")
    assert f"thought {moved}: step 2 in turn 2" in only_finding(run_audit(settings, database), "order")


def test_a_thought_that_begins_while_a_moved_one_is_open_is_reported(
    settings: Settings, database: Database, pair: Pair
) -> None:
    moved = add_thought(database, pair.anonymous)
    begin_call(pair, moved)
    pair.join()
    later = add_thought(database, pair.account)
    update_thought(database, later, status="processing", call_id=uuid4(), step_started_at="now", beat_at="now")
    assert f"thought {later}: step 1" in only_finding(run_audit(settings, database), "order")
