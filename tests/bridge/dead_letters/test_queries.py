"""The index: filters, pages, and what became of each dead letter."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from bridge.dead_letters.bulk import count_candidates
from bridge.dead_letters.format import format_line
from bridge.dead_letters.outcome import replay_outcome
from bridge.dead_letters.queries import Filter, count_dead_letters, fetch_contents, list_dead_letters, select_candidates
from bridge.dead_letters.replay import discard, replay
from contracts.database import Database
from contracts.dead_letters import origin
from contracts.settings import Settings
from tests.bridge.dead_letter_rows import a_thought, an_event, buried, delete, fail, failed, thought_of
from tests.bridge.thoughts import add_user


def ids(database: Database, chosen: Filter) -> list[str]:
    return [one.failure_id for one in list_dead_letters(database, chosen, rows=100)]


def became(database: Database, failure: str) -> str:
    (found,) = list_dead_letters(database, Filter(ids=(failure,)), rows=1)
    return found.outcome


def later(database: Database, failure: str) -> str:
    (found,) = list_dead_letters(database, Filter(ids=(failure,)), rows=1)
    held = fetch_contents(database, failure)
    assert held is not None
    return replay_outcome(database, found, held)


def test_each_filter_finds_its_own_and_all_together_what_meets_them_all(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    other, claimed = add_user(database), uuid4()
    first = failed(database, settings, user_id, words="Über 100% of Rust", reason="transient", agent="priority")
    second = failed(database, settings, other, error_class="agents.errors.TooLong", reason="invalid")
    value = b'\xff "Needle'
    record = buried(database, settings, value, reason="unknown-user", user_id=str(other), thought_id=str(claimed))
    database.rows(text("UPDATE dead_letters SET created_at = now() - interval '3 days' WHERE failure_id = :f"), f=first)
    day = datetime.now(UTC) - timedelta(days=1)
    assert ids(database, Filter(reason="transient")) == [first]
    assert ids(database, Filter(agent="priority")) == [first]
    assert set(ids(database, Filter(user=str(other)))) == {second, record}
    assert ids(database, Filter(thought=str(thought_of(database, first).id))) == [first]
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


def test_pages_are_newest_first_and_together_the_whole(settings: Settings, database: Database, user_id: UUID) -> None:
    every = [failed(database, settings, user_id) for _ in range(5)]
    pages = [list_dead_letters(database, Filter(), rows=2, skip=skip) for skip in (0, 2, 4)]
    assert [one.failure_id for found in pages for one in found] == every[::-1]


def test_a_choice_is_in_the_order_of_old_turns_and_of_the_log(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    ninth, tenth = (buried(database, settings, b"?", offset=offset) for offset in (9, 10))
    first, second, third = (failed(database, settings, user_id) for _ in range(3))
    chosen = select_candidates(database, Filter(ids=(third, tenth, first, ninth, second)))
    assert [one.failure_id for one in chosen] == [ninth, tenth, first, second, third]


def test_counts_say_what_can_move(settings: Settings, database: Database, user_id: UUID) -> None:
    failed(database, settings, user_id, reason="transient")
    gone = failed(database, settings, user_id, agent="priority")
    delete(database, thought_of(database, gone).id)
    buried(database, settings, b"?")
    assert count_candidates(select_candidates(database, Filter(state="open"))) == {
        "dead_letters": 3,
        "replayable": 2,
        "closed": 0,
        "by_reason": {"unreadable": 1, "transient": 1, "permanent": 1},
        "by_agent": {"-": 1, "value_impact": 1, "priority": 1},
        "by_user": {str(user_id): 2, "-": 1},
    }


def test_a_replayed_thoughts_letter_knows_how_it_went_on(settings: Settings, database: Database, user_id: UUID) -> None:
    failure = failed(database, settings, user_id)
    assert became(database, failure) == "open"
    replay(database, failure, settings)
    assert became(database, failure).startswith("replayed at 20")
    assert became(database, failure).endswith(" as turn 2: pending")
    again = fail(database, thought_of(database, failure).id)
    assert became(database, failure).endswith(f" as turn 2: failed again as {again}")
    replay(database, again, settings)
    database.rows(text("UPDATE thoughts SET status = 'completed', finished_at = now()"))
    assert became(database, again).endswith(" as turn 3: completed")


def test_a_discarded_letter_and_that_of_a_deleted_thought_say_so(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure = failed(database, settings, user_id)
    delete(database, thought_of(database, failure).id)
    assert became(database, failure) == "open: its thought was deleted by its author"
    discard(database, failure)
    assert became(database, failure).startswith("discarded at 20")


def test_a_replayed_records_letter_knows_what_came_of_it(settings: Settings, database: Database, user_id: UUID) -> None:
    thought, value = an_event(user_id)
    failure = buried(database, settings, value, reason="unknown-user")
    assert later(database, failure) == ""
    replay(database, failure, settings)
    assert later(database, failure) == "nothing has come of it yet"
    again = buried(database, settings, value, offset=43, headers=[("replay-of", failure.encode())])
    assert later(database, failure) == f"failed again as {again}"
    database.rows(text("DELETE FROM dead_letters WHERE failure_id = :id"), id=again)
    database.rows(text("UPDATE users SET last_turn = 1"))
    insert = text("INSERT INTO thoughts (id, user_id, turn, text, event) VALUES (:id, :user, 1, 'x', '')")
    database.rows(insert, id=thought, user=user_id)
    assert later(database, failure) == f"its thought {thought} is pending"


def test_a_line_stays_a_line_whatever_the_message_is(settings: Settings, database: Database, user_id: UUID) -> None:
    failed(database, settings, user_id, message="first\nsecond \x1b[2J" + "long " * 100)
    (found,) = list_dead_letters(database, Filter(), rows=1)
    assert format_line(found).startswith(found.failure_id)
    assert "value_impact x4  first second \\x1b[2Jlong" in format_line(found)
    assert "\x1b" not in format_line(found)
    assert "\n" not in format_line(found)
    assert len(format_line(found)) < 250


@pytest.mark.parametrize("where", [None, origin("t", 1, 2, None)])
def test_a_thought_that_is_not_in_this_database_is_shown_all_the_same(
    settings: Settings, database: Database, where: dict[str, object] | None
) -> None:
    failure = f"{uuid4()}:7"
    a_thought(database, settings, add_user(database))
    row = text("""INSERT INTO dead_letters (failure_id, thought_id, turn, reason, headers)
                  SELECT :f, CAST(split_part(:f, ':', 1) AS uuid), 7, 'lost',
                         jsonb_build_object('origin', CAST(:where AS jsonb))""")
    database.rows(row, f=failure, where=json.dumps(where))
    assert became(database, failure) == "open"
    assert not select_candidates(database, Filter())[0].replayable
    assert "not in this database" in replay(database, failure, settings).description
