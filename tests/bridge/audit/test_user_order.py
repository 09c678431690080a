"""The audit of the users' lines: calls in order, steps as the thoughts say, retries that stayed three."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.audit.audit_runs import audited, end, letter, save, the_finding
from tests.bridge.thoughts import add_thought, add_user, change


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_enabled": False}


def move(database: Database, thought: UUID, step: int, seconds: int) -> None:
    """Let a saved step have begun at another time."""
    statement = text("""
        UPDATE agent_runs SET started_at = started_at + :by * interval '1 s' WHERE thought_id = :id AND step = :step
    """)
    database.rows(statement, by=seconds, id=thought, step=step)


@pytest.fixture
def line(database: Database) -> list[UUID]:
    user = add_user(database)
    thoughts = [add_thought(database, user) for _ in range(3)]
    for thought in thoughts:
        end(database, thought)
    return thoughts


def test_lines_in_order_add_up(settings: Settings, database: Database, line: list[UUID]) -> None:
    figures = audited(settings, database)
    assert figures["adds_up"]
    assert (figures["users_checked"], figures["thoughts_checked"], figures["runs_checked"]) == (1, 3, 15)


def test_a_call_before_the_thought_written_earlier_was_terminal_is_found(
    settings: Settings, database: Database, line: list[UUID]
) -> None:
    move(database, line[2], 1, -32)  # after the last step of the second thought, before the thought's end
    assert f"thought {line[2]}: step 1 in turn 3" in the_finding(audited(settings, database), "order")


def test_a_call_before_the_step_before_it_was_saved_is_found(
    settings: Settings, database: Database, line: list[UUID]
) -> None:
    move(database, line[0], 4, -1)
    assert f"thought {line[0]}: step 4 in turn 1" in the_finding(audited(settings, database), "order")


def test_a_call_while_an_earlier_thought_is_open_is_found(settings: Settings, database: Database) -> None:
    user = add_user(database)
    add_thought(database, user)
    late = add_thought(database, user)
    save(database, late, last=2)
    change(database, late, steps_done=2)
    figures = audited(settings, database)
    assert figures["findings"]["order"] == 2
    assert {one["subject"] for one in figures["found"]} == {f"thought {late}"}


def test_a_call_in_progress_counts_as_well(settings: Settings, database: Database) -> None:
    user = add_user(database)
    add_thought(database, user)
    late = add_thought(database, user)
    change(database, late, status="processing", call_id=user, step_started_at="now", beat_at="now")
    assert f"thought {late}: step 1" in the_finding(audited(settings, database), "order")


def test_the_last_call_of_a_failed_thought_counts_as_well(settings: Settings, database: Database) -> None:
    user = add_user(database)
    add_thought(database, user)
    late = add_thought(database, user)
    change(database, late, status="failed", step_started_at="now", finished_at="now")
    letter(database, late, f"{late}:2")
    assert f"thought {late}: step 1" in the_finding(audited(settings, database), "order")


def test_a_replayed_thought_keeps_its_old_steps_in_their_old_turn(
    settings: Settings, database: Database, line: list[UUID]
) -> None:
    database.rows(text("DELETE FROM agent_runs WHERE thought_id = :id AND step > 2"), id=line[0])
    change(database, line[0], turn=4, status="failed")
    save(database, line[0], first=3)
    change(database, line[0], status="completed", finished_at="now")
    assert audited(settings, database)["adds_up"]


def test_steps_of_before_the_turn_was_kept_are_left_out(
    settings: Settings, database: Database, line: list[UUID]
) -> None:
    move(database, line[2], 1, -500)
    database.rows(text("UPDATE agent_runs SET turn = NULL"))
    assert audited(settings, database)["adds_up"]


@pytest.mark.parametrize("step", [2, 5])
def test_a_step_that_is_not_there_is_found(settings: Settings, database: Database, line: list[UUID], step: int) -> None:
    database.rows(text("DELETE FROM agent_runs WHERE thought_id = :id AND step = :step"), id=line[1], step=step)
    found = the_finding(audited(settings, database), "steps")
    assert f"thought {line[1]}: it is completed with steps_done 5, and agent_runs has 4" in found


def test_a_completed_thought_with_fewer_steps_is_found(
    settings: Settings, database: Database, line: list[UUID]
) -> None:
    database.rows(text("DELETE FROM agent_runs WHERE thought_id = :id AND step = 5"), id=line[1])
    change(database, line[1], steps_done=4)
    assert str(line[1]) in the_finding(audited(settings, database), "steps")


def test_a_fifth_call_of_a_step_is_found(settings: Settings, database: Database, line: list[UUID]) -> None:
    four = text("UPDATE agent_runs SET attempts = :attempts WHERE thought_id = :id AND step = 3")
    database.rows(four, id=line[0], attempts=4)
    assert audited(settings, database)["adds_up"]
    database.rows(four, id=line[0], attempts=5)
    assert f"thought {line[0]}: a step was called 5 times" in the_finding(audited(settings, database), "attempts")


def test_a_failed_thought_without_a_dead_letter_is_found(settings: Settings, database: Database) -> None:
    thought = add_thought(database, add_user(database))
    end(database, thought, "failed", steps=3)
    letter(database, thought, "a letter of another turn")
    database.rows(text("UPDATE dead_letters SET state = 'discarded'"))
    found = the_finding(audited(settings, database), "letter")
    assert f"thought {thought}: it failed in turn 1 and has no dead letter" in found


def test_more_users_than_a_page_are_all_looked_at(settings: Settings, database: Database, user_id: UUID) -> None:
    database.rows(text("INSERT INTO users (id) SELECT gen_random_uuid() FROM generate_series(1, 450)"))
    assert audited(settings, database)["users_checked"] == 451
