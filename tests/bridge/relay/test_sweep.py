"""Sweep emits quiet lines again, one record a user, and leaves alone whatever moves."""

import json
from collections import Counter
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bridge.relay import sweep as sweeping
from bridge.relay.relay import PassResult
from bridge.relay.sweep import SWEEP_INTERVAL_SECONDS, Sweep
from contracts.accept import accept
from contracts.database import Database, make_engine
from contracts.settings import Settings
from contracts.source_headers import capture_source, restore_headers
from tests.bridge.running_relays import a_relay, add_row

TOPIC = "work"


def sweep(database: Database, topic: str) -> int:
    """A pass that has one page."""
    return Sweep(database, topic).run_due_page()


def a_thought(database: Database, user: UUID, *, emit: bool = True) -> UUID:
    """An accepted thought, its outbox row already published."""
    thought = uuid4()
    value = f"event of {thought}".encode()
    accept(database, thought_id=thought, user_id=user, text="A thought", event=value, topic=TOPIC, emit=emit)
    database.rows(text("DELETE FROM outbox"))
    return thought


def age(database: Database, thought: UUID, minutes: float, *, emissions: int = 0) -> None:
    """Make it look accepted, and emitted if it ever was, so long ago."""
    statement = text("""
        UPDATE thoughts SET emissions = :emissions, created_at = created_at - :minutes * interval '1 min',
               emitted_at = emitted_at - :minutes * interval '1 min' WHERE id = :id
    """)
    database.rows(statement, id=thought, minutes=minutes, emissions=emissions)


def emitted(database: Database) -> list[tuple[str, str | None, int | None, bytes]]:
    rows = database.rows(text("SELECT topic, key, turn, value FROM outbox ORDER BY id"))
    return [(row.topic, row.key, row.turn, bytes(row.value)) for row in rows]


def test_the_newest_open_thought_of_a_quiet_line_rings_for_the_whole_line(database: Database, user_id: UUID) -> None:
    for thought in (a_thought(database, user_id), newest := a_thought(database, user_id)):
        age(database, thought, 6)
    assert sweep(database, TOPIC) == 1
    assert emitted(database) == [(TOPIC, str(user_id), 2, f"event of {newest}".encode())]


def test_a_second_sweep_finds_nothing_until_the_pause_has_doubled(database: Database, user_id: UUID) -> None:
    thought = a_thought(database, user_id)
    age(database, thought, 6)
    assert [sweep(database, TOPIC), sweep(database, TOPIC)] == [1, 0]
    age(database, thought, 9, emissions=1)
    assert sweep(database, TOPIC) == 0
    age(database, thought, 2, emissions=1)
    assert sweep(database, TOPIC) == 1


def test_the_pause_stops_doubling(database: Database, user_id: UUID) -> None:
    thought = a_thought(database, user_id)
    age(database, thought, 5 * 2**6 + 1, emissions=1_000_000)
    assert sweep(database, TOPIC) == 1


def test_a_thought_that_was_just_emitted_is_left_alone(database: Database, user_id: UUID) -> None:
    age(database, a_thought(database, user_id), 4)
    assert sweep(database, TOPIC) == 0


def test_a_quiet_thought_behind_a_newer_one_waits_for_that_ones_record(database: Database, user_id: UUID) -> None:
    age(database, a_thought(database, user_id), 60)
    a_thought(database, user_id)
    assert sweep(database, TOPIC) == 0


def test_a_foreign_thought_counts_from_its_acceptance(database: Database, user_id: UUID) -> None:
    """It came with a record of its own, which a bridge has in hand."""
    thought = a_thought(database, user_id, emit=False)
    database.rows(text("UPDATE thoughts SET headers = '{}'"))
    assert sweep(database, TOPIC) == 0
    age(database, thought, 6)
    assert sweep(database, TOPIC) == 1


def test_a_thought_accepted_in_batch_mode_is_emitted_at_once_when_kafka_is_back(
    database: Database, user_id: UUID
) -> None:
    """No record of it was ever written, so nothing is waited for, not even the work on an earlier one."""
    at_work = a_thought(database, user_id)
    database.rows(text("UPDATE thoughts SET status = 'processing', beat_at = now() WHERE id = :id"), id=at_work)
    a_thought(database, user_id, emit=False)
    assert [sweep(database, TOPIC), sweep(database, TOPIC)] == [1, 0]
    assert [turn for _, _, turn, _ in emitted(database)] == [2]


def test_a_line_that_is_being_worked_on_is_left_alone(database: Database, user_id: UUID) -> None:
    head, newest = a_thought(database, user_id), a_thought(database, user_id)
    age(database, newest, 60)
    at_work = text("UPDATE thoughts SET status = 'processing', beat_at = now() - :ago * interval '1 s' WHERE id = :id")
    database.rows(at_work, id=head, ago=50)
    assert sweep(database, TOPIC) == 0
    database.rows(at_work, id=head, ago=70)
    assert sweep(database, TOPIC) == 1


def test_a_terminal_thought_is_never_emitted(database: Database, user_id: UUID) -> None:
    thought = a_thought(database, user_id)
    age(database, thought, 600)
    database.rows(text("UPDATE thoughts SET status = 'failed', finished_at = now()"))
    assert sweep(database, TOPIC) == 0


def test_every_quiet_user_gets_one_record(database: Database) -> None:
    users = [uuid4() for _ in range(3)]
    for user in users:
        database.rows(text("INSERT INTO users (id) VALUES (:id)"), id=user)
        age(database, a_thought(database, user), 6)
    assert sweep(database, TOPIC) == 3
    assert {key for _, key, _, _ in emitted(database)} == {str(user) for user in users}


def test_a_row_that_somebody_holds_is_skipped_and_not_waited_for(database: Database, user_id: UUID) -> None:
    age(database, a_thought(database, user_id), 6)
    with database.engine.execution_options(isolation_level="READ COMMITTED").begin() as holder:
        holder.execute(text("SELECT FROM thoughts FOR UPDATE"))
        assert sweep(database, TOPIC) == 0
    assert sweep(database, TOPIC) == 1


@pytest.mark.parametrize(("kafka_mode", "swept"), [(True, 1), (False, 0)])
def test_a_leading_relay_sweeps_at_once_unless_work_comes_in_batches(
    settings: Settings, database: Database, user_id: UUID, kafka_mode: bool, swept: int
) -> None:
    age(database, a_thought(database, user_id), 6)
    with a_relay(settings.model_copy(update={"kafka_mode": kafka_mode})) as relay:
        relay.step()
    assert len(emitted(database)) == swept


def test_who_waits_for_the_leader_does_not_sweep(settings: Settings, database: Database, user_id: UUID) -> None:
    age(database, a_thought(database, user_id), 6)
    add_row(database, settings.kafka_topic)
    before = emitted(database)
    lock = text("SELECT pg_advisory_xact_lock(7400)")
    with (
        a_relay(settings) as relay,
        database.engine.execution_options(isolation_level="READ COMMITTED").begin() as leader,
    ):
        leader.execute(lock)
        assert relay.publish_batch() is PassResult.STANDBY
        relay.step()
    assert emitted(database) == before


def users_with_quiet_thoughts(database: Database, number: int) -> list[UUID]:
    users = [uuid4() for _ in range(number)]
    for user in users:
        database.rows(text("INSERT INTO users (id) VALUES (:id)"), id=user)
        for _ in range(2):
            age(database, a_thought(database, user), 6)
    return users


def test_a_pass_goes_over_all_users_in_pages(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "USERS_PER_PAGE", 2)
    users = users_with_quiet_thoughts(database, 5)
    now = [0.0]
    one = Sweep(database, TOPIC, clock=lambda: now[0])
    assert [one.run_due_page() for _ in range(4)] == [0, 0, 5, 0]
    assert Counter(key for _, key, _, _ in emitted(database)) == dict.fromkeys(map(str, users), 1)
    database.rows(text("UPDATE thoughts SET emitted_at = now() - interval '11 min'"))
    now[0] = SWEEP_INTERVAL_SECONDS - 1
    assert one.run_due_page() == 0
    now[0] = SWEEP_INTERVAL_SECONDS
    assert [one.run_due_page() for _ in range(3)] == [0, 0, 5]


def test_a_page_that_failed_is_tried_again_in_a_minute(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "USERS_PER_PAGE", 2)
    users_with_quiet_thoughts(database, 3)
    now = [0.0]
    nowhere = make_engine("postgresql+psycopg2://nobody@127.0.0.1:9/none", "away")
    one = Sweep(database, TOPIC, clock=lambda: now[0])
    assert one.run_due_page() == 0
    one._database = Database(nowhere)
    with pytest.raises(SQLAlchemyError):
        one.run_due_page()
    one._database = database
    assert one.run_due_page() == 0
    now[0] = SWEEP_INTERVAL_SECONDS
    assert one.run_due_page() == 3


def test_the_pauses_between_the_emissions_of_a_thought_double(database: Database, user_id: UUID) -> None:
    """A sweep every minute, as far as the thought can tell."""
    thought = a_thought(database, user_id)
    minutes = []
    for minute in range(1, 700):
        later = text("UPDATE thoughts SET emitted_at = emitted_at - interval '1 min' WHERE id = :id")
        database.rows(later, id=thought)
        minutes += [minute] * sweep(database, TOPIC)
    pauses = [after - before for before, after in zip([0, *minutes], minutes, strict=False)]
    assert pauses == [5, 10, 20, 40, 80, 160, 320]
    assert len(emitted(database)) == len(pauses)


def test_a_foreign_thought_is_emitted_again_with_its_headers(database: Database, user_id: UUID) -> None:
    thought = a_thought(database, user_id, emit=False)
    kept = capture_source(b"key", [("traceparent", b"00-aa"), ("x", None)])
    database.rows(text("UPDATE thoughts SET headers = CAST(:kept AS jsonb)"), kept=json.dumps(kept))
    age(database, thought, 6)
    sweep(database, TOPIC)
    (again,) = database.rows(text("SELECT key, turn, headers FROM outbox"))
    assert again.key == str(user_id)
    assert restore_headers(again.headers, again.turn) == [("turn", b"1"), ("traceparent", b"00-aa"), ("x", None)]
