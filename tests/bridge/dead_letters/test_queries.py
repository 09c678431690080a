"""The index of dead letters: filters, pages, counts, and the outcome of each dead letter."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from bridge.dead_letters.bulk import count_candidates
from bridge.dead_letters.format import format_line
from bridge.dead_letters.queries import Filter, count_dead_letters, fetch_contents, list_dead_letters, select_candidates
from bridge.dead_letters.replay import discard, replay
from bridge.dead_letters.replay_outcome import replay_outcome
from contracts.database import Database
from contracts.dead_letters import origin
from contracts.settings import Settings
from tests.bridge.dead_letter_rows import (
    accept_thought,
    add_failed_thought,
    add_record_dead_letter,
    delete_thought,
    fail_thought,
    get_thought,
    make_event,
)
from tests.bridge.thoughts import add_user


def ids(database: Database, criteria: Filter) -> list[str]:
    return [letter.failure_id for letter in list_dead_letters(database, criteria, rows=100)]


def outcome(database: Database, failure: str) -> str:
    (letter,) = list_dead_letters(database, Filter(ids=(failure,)), rows=1)
    return letter.state_text


def outcome_of_record(database: Database, failure: str) -> str:
    (letter,) = list_dead_letters(database, Filter(ids=(failure,)), rows=1)
    contents = fetch_contents(database, failure)
    assert contents is not None
    return replay_outcome(database, letter, contents)


def test_a_dead_letter_must_match_every_given_filter(settings: Settings, database: Database, user_id: UUID) -> None:
    other, claimed = add_user(database), uuid4()
    first = add_failed_thought(
        database, settings, user_id, thought_text="Über 100% of Rust", reason="transient", agent="priority"
    )
    second = add_failed_thought(database, settings, other, error_class="agents.errors.TooLong", reason="invalid")
    value = b'\xff "Needle'
    record = add_record_dead_letter(
        database, settings, value, reason="unknown-user", user_id=str(other), thought_id=str(claimed)
    )
    database.rows(text("UPDATE dead_letters SET created_at = now() - interval '3 days' WHERE failure_id = :f"), f=first)
    day = datetime.now(UTC) - timedelta(days=1)
    assert ids(database, Filter(reason="transient")) == [first]
    assert ids(database, Filter(agent="priority")) == [first]
    assert set(ids(database, Filter(user=str(other)))) == {second, record}
    assert ids(database, Filter(thought=str(get_thought(database, first).id))) == [first]
    assert ids(database, Filter(thought=str(claimed))) == [record]
    assert ids(database, Filter(error_class="TooLong")) == ids(database, Filter(error_class="agents.errors.TooLong"))
    assert ids(database, Filter(error_class="TooLong")) == [second]
    assert set(ids(database, Filter(since=day))) == {second, record}
    assert ids(database, Filter(text="über 100%")) == [first]
    assert ids(database, Filter(text="100_")) == []
    assert ids(database, Filter(text="Needle")) == [record]
    assert ids(database, Filter(ids=(second, "never seen"))) == [second]
    assert ids(database, Filter(user=str(other), since=day, reason="invalid", error_class="TooLong")) == [second]
    assert ids(database, Filter(user=str(other), reason="transient")) == []
    discard(database, first)
    assert ids(database, Filter(state="discarded")) == [first]
    assert (count_dead_letters(database, Filter()), count_dead_letters(database, Filter(state="open"))) == (3, 2)


def test_pages_are_newest_first_and_together_complete(settings: Settings, database: Database, user_id: UUID) -> None:
    failures = [add_failed_thought(database, settings, user_id) for _ in range(5)]
    pages = [list_dead_letters(database, Filter(), rows=2, skip=skip) for skip in (0, 2, 4)]
    assert [letter.failure_id for page in pages for letter in page] == failures[::-1]


def test_candidates_are_in_the_order_of_the_log_and_of_their_former_turns(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    ninth, tenth = (add_record_dead_letter(database, settings, b"?", offset=offset) for offset in (9, 10))
    first, second, third = (add_failed_thought(database, settings, user_id) for _ in range(3))
    candidates = select_candidates(database, Filter(ids=(third, tenth, first, ninth, second)))
    assert [candidate.failure_id for candidate in candidates] == [ninth, tenth, first, second, third]


def test_counts_include_how_many_can_be_replayed(settings: Settings, database: Database, user_id: UUID) -> None:
    add_failed_thought(database, settings, user_id, reason="transient")
    deleted = add_failed_thought(database, settings, user_id, agent="priority")
    delete_thought(database, get_thought(database, deleted).id)
    add_record_dead_letter(database, settings, b"?")
    assert count_candidates(select_candidates(database, Filter(state="open"))) == {
        "dead_letters": 3,
        "closable": 2,
        "closed": 0,
        "by_reason": {"unreadable": 1, "transient": 1, "permanent": 1},
        "by_agent": {"-": 1, "value_impact": 1, "priority": 1},
        "by_user": {str(user_id): 2, "-": 1},
    }


def test_the_outcome_of_a_replayed_thought_follows_the_thought(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure = add_failed_thought(database, settings, user_id)
    assert outcome(database, failure) == "open"
    replay(database, failure, settings)
    assert outcome(database, failure).startswith("replayed at 20")
    assert outcome(database, failure).endswith(" as turn 2; its thought is pending")
    again = fail_thought(database, get_thought(database, failure).id)
    assert outcome(database, failure).endswith(f" as turn 2; it failed again as {again}")
    replay(database, again, settings)
    database.rows(text("UPDATE thoughts SET status = 'completed', finished_at = now()"))
    assert outcome(database, again).endswith(" as turn 3; its thought is completed")


def test_the_outcome_names_a_discard_and_a_deleted_thought(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure = add_failed_thought(database, settings, user_id)
    delete_thought(database, get_thought(database, failure).id)
    assert outcome(database, failure) == "open: its thought was deleted by its author"
    discard(database, failure)
    assert outcome(database, failure).startswith("discarded at 20")


def test_the_outcome_of_a_replayed_record_is_its_thought_or_its_next_failure(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    thought, value = make_event(user_id)
    failure = add_record_dead_letter(database, settings, value, reason="unknown-user")
    assert outcome_of_record(database, failure) == ""
    replay(database, failure, settings)
    assert outcome_of_record(database, failure) == "its record has not been processed yet"
    again = add_record_dead_letter(database, settings, value, offset=43, headers=[("replay-of", failure.encode())])
    assert outcome_of_record(database, failure) == f"it failed again as {again}"
    database.rows(text("DELETE FROM dead_letters WHERE failure_id = :id"), id=again)
    database.rows(text("UPDATE users SET last_turn = 1"))
    insert = text("INSERT INTO thoughts (id, user_id, turn, text, event) VALUES (:id, :user, 1, 'x', '')")
    database.rows(insert, id=thought, user=user_id)
    assert outcome_of_record(database, failure) == f"its thought {thought} is pending"


def test_a_line_escapes_control_characters_and_is_short(settings: Settings, database: Database, user_id: UUID) -> None:
    add_failed_thought(database, settings, user_id, message="first\nsecond \x1b[2J" + "long " * 100)
    (letter,) = list_dead_letters(database, Filter(), rows=1)
    line = format_line(letter)
    assert line.startswith(letter.failure_id)
    assert "  value_impact (attempts: 4)  first second \\x1b[2Jlong" in line
    assert "\x1b" not in line
    assert "\n" not in line
    assert len(line) < 250


@pytest.mark.parametrize("position", [None, origin("t", 1, 2, None)])
def test_a_dead_letter_is_listed_even_if_its_thought_is_not_stored(
    settings: Settings, database: Database, position: dict[str, object] | None
) -> None:
    failure = f"{uuid4()}:7"
    accept_thought(database, settings, add_user(database))
    insert = text("""INSERT INTO dead_letters (failure_id, thought_id, turn, reason, headers)
                  SELECT :f, CAST(split_part(:f, ':', 1) AS uuid), 7, 'lost',
                         jsonb_build_object('origin', CAST(:where AS jsonb))""")
    database.rows(insert, f=failure, where=json.dumps(position))
    assert outcome(database, failure) == "open"
    assert not select_candidates(database, Filter())[0].replayable
    assert "not in this database" in replay(database, failure, settings).description
