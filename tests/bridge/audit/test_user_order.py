"""The audit of the users' lines: order of calls, saved steps, attempts, dead letters of failed thoughts."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.audit.audit_runs import add_dead_letter, add_runs, finish, only_finding, run_audit
from tests.bridge.thoughts import add_thought, add_user, thought_row, update_thought
from webapp.cancellation import cancel
from webapp.retrying import RetryOutcome, retry


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_enabled": False}


def shift_start(database: Database, thought: UUID, step: int, seconds: int) -> None:
    """Move the start of a saved step's call by so many seconds."""
    statement = text("""
        UPDATE agent_runs SET started_at = started_at + :by * interval '1 s' WHERE thought_id = :id AND step = :step
    """)
    database.rows(statement, by=seconds, id=thought, step=step)


@pytest.fixture
def line(database: Database) -> list[UUID]:
    user = add_user(database)
    thoughts = [add_thought(database, user) for _ in range(3)]
    for thought in thoughts:
        finish(database, thought)
    return thoughts


def test_a_line_in_order_is_consistent(settings: Settings, database: Database, line: list[UUID]) -> None:
    figures = run_audit(settings, database)
    assert figures["consistent"]
    assert (figures["users_checked"], figures["thoughts_checked"], figures["runs_checked"]) == (1, 3, 15)


def test_the_audit_reports_a_call_that_began_before_an_earlier_thought_was_terminal(
    settings: Settings, database: Database, line: list[UUID]
) -> None:
    shift_start(database, line[2], 1, -32)  # after the last step of the second thought, before the thought's end
    assert f"thought {line[2]}: step 1 in turn 3" in only_finding(run_audit(settings, database), "order")


def test_the_audit_reports_a_call_that_began_before_the_previous_step_was_saved(
    settings: Settings, database: Database, line: list[UUID]
) -> None:
    shift_start(database, line[0], 4, -1)
    assert f"thought {line[0]}: step 4 in turn 1" in only_finding(run_audit(settings, database), "order")


def test_the_audit_reports_calls_while_an_earlier_thought_is_open(settings: Settings, database: Database) -> None:
    user = add_user(database)
    add_thought(database, user)
    later = add_thought(database, user)
    add_runs(database, later, last=2)
    update_thought(database, later, steps_done=2)
    figures = run_audit(settings, database)
    assert figures["findings"]["order"] == 2
    assert {finding["subject"] for finding in figures["finding_details"]} == {f"thought {later}"}


def test_the_audit_checks_a_call_in_progress_too(settings: Settings, database: Database) -> None:
    user = add_user(database)
    add_thought(database, user)
    later = add_thought(database, user)
    update_thought(database, later, status="processing", call_id=user, step_started_at="now", beat_at="now")
    assert f"thought {later}: step 1" in only_finding(run_audit(settings, database), "order")


def test_the_audit_checks_the_last_call_of_a_failed_thought_too(settings: Settings, database: Database) -> None:
    user = add_user(database)
    add_thought(database, user)
    later = add_thought(database, user)
    update_thought(database, later, status="failed", step_started_at="now", finished_at="now")
    add_dead_letter(database, later, f"{later}:2")
    assert f"thought {later}: step 1" in only_finding(run_audit(settings, database), "order")


def test_a_line_with_a_thought_that_was_cancelled_between_two_steps_and_retried_is_consistent(
    settings: Settings, database: Database, line: list[UUID]
) -> None:
    database.rows(text("DELETE FROM agent_runs WHERE thought_id = :id AND step > 2"), id=line[2])
    started = text("SELECT started_at FROM agent_runs WHERE thought_id = :id AND step = 2")
    (run,) = database.rows(started, id=line[2])
    update_thought(database, line[2], status="processing", finished_at=None, steps_done=2, attempts=0)
    update_thought(database, line[2], step_started_at=run.started_at)
    cancel(database, settings, thought_row(database, line[2]).user_id, line[2], 3)
    assert run_audit(settings, database)["consistent"]
    assert retry(database, settings, line[2], 3) is RetryOutcome.RETRIED
    add_runs(database, line[2], first=3)
    update_thought(database, line[2], status="completed", finished_at="now", steps_done=5)
    assert run_audit(settings, database)["consistent"]


def test_the_audit_compares_steps_from_before_a_replay_in_their_former_turn(
    settings: Settings, database: Database, line: list[UUID]
) -> None:
    database.rows(text("DELETE FROM agent_runs WHERE thought_id = :id AND step > 2"), id=line[0])
    update_thought(database, line[0], turn=4, status="failed")
    add_runs(database, line[0], first=3)
    update_thought(database, line[0], status="completed", finished_at="now")
    assert run_audit(settings, database)["consistent"]


def test_the_audit_ignores_the_order_of_steps_without_a_turn(
    settings: Settings, database: Database, line: list[UUID]
) -> None:
    shift_start(database, line[2], 1, -500)
    database.rows(text("UPDATE agent_runs SET turn = NULL"))
    assert run_audit(settings, database)["consistent"]


@pytest.mark.parametrize("step", [2, 5])
def test_the_audit_reports_a_missing_step(settings: Settings, database: Database, line: list[UUID], step: int) -> None:
    database.rows(text("DELETE FROM agent_runs WHERE thought_id = :id AND step = :step"), id=line[1], step=step)
    finding = only_finding(run_audit(settings, database), "steps")
    assert f"thought {line[1]}: it is completed with steps_done 5, and agent_runs has 4" in finding


def test_the_audit_reports_a_completed_thought_with_too_few_steps(
    settings: Settings, database: Database, line: list[UUID]
) -> None:
    database.rows(text("DELETE FROM agent_runs WHERE thought_id = :id AND step = 5"), id=line[1])
    update_thought(database, line[1], steps_done=4)
    assert str(line[1]) in only_finding(run_audit(settings, database), "steps")


def test_the_audit_reports_a_fifth_call_of_a_step(settings: Settings, database: Database, line: list[UUID]) -> None:
    set_attempts = text("UPDATE agent_runs SET attempts = :attempts WHERE thought_id = :id AND step = 3")
    database.rows(set_attempts, id=line[0], attempts=4)
    assert run_audit(settings, database)["consistent"]
    database.rows(set_attempts, id=line[0], attempts=5)
    assert f"thought {line[0]}: a step was called 5 times" in only_finding(run_audit(settings, database), "attempts")


def test_the_audit_reports_a_failed_thought_without_a_dead_letter(settings: Settings, database: Database) -> None:
    thought = add_thought(database, add_user(database))
    finish(database, thought, "failed", steps=3)
    add_dead_letter(database, thought, "a dead letter of another turn")
    database.rows(text("UPDATE dead_letters SET state = 'discarded'"))
    finding = only_finding(run_audit(settings, database), "dead_letter")
    assert f"thought {thought}: it failed in turn 1 and has no dead letter" in finding


def test_the_audit_checks_all_users_when_they_fill_several_pages(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    database.rows(text("INSERT INTO users (id) SELECT gen_random_uuid() FROM generate_series(1, 450)"))
    assert run_audit(settings, database)["users_checked"] == 451
