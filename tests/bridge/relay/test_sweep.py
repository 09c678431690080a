"""Tests of the sweep: it re-emits one record for each user whose line makes no progress, and no other."""

import json
from collections import Counter
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bridge.relay import sweep as sweep_module
from bridge.relay.relay import PassResult
from bridge.relay.sweep import SWEEP_INTERVAL_SECONDS, Sweep
from contracts.accept import accept
from contracts.database import Database, make_engine
from contracts.settings import Settings
from contracts.source_headers import capture_source, restore_headers
from tests.bridge.running_relays import add_outbox_row, idle_relay

TOPIC = "work"


def sweep_page(database: Database, topic: str) -> int:
    """Run a sweep of one page, and return the number of emitted thoughts."""
    return Sweep(database, topic).run_due_page()


def accept_thought(database: Database, user: UUID, *, emit: bool = True) -> UUID:
    """Accept a thought, and delete its outbox row as if it were published."""
    thought = uuid4()
    value = f"event of {thought}".encode()
    accept(database, thought_id=thought, user_id=user, text="A thought", event=value, topic=TOPIC, emit=emit)
    database.rows(text("DELETE FROM outbox"))
    return thought


def make_older(database: Database, thought: UUID, minutes: float, *, emissions: int = 0) -> None:
    """Move the acceptance and the last emission of a thought, if any, back by `minutes`."""
    statement = text("""
        UPDATE thoughts SET emissions = :emissions, created_at = created_at - :minutes * interval '1 min',
               emitted_at = emitted_at - :minutes * interval '1 min' WHERE id = :id
    """)
    database.rows(statement, id=thought, minutes=minutes, emissions=emissions)


def emitted_rows(database: Database) -> list[tuple[str, str | None, int | None, bytes]]:
    """Return topic, key, turn and value of the outbox rows."""
    rows = database.rows(text("SELECT topic, key, turn, value FROM outbox ORDER BY id"))
    return [(row.topic, row.key, row.turn, bytes(row.value)) for row in rows]


def test_the_sweep_emits_only_the_newest_open_thought_of_a_line(database: Database, user_id: UUID) -> None:
    for thought in (accept_thought(database, user_id), newest := accept_thought(database, user_id)):
        make_older(database, thought, 6)
    assert sweep_page(database, TOPIC) == 1
    assert emitted_rows(database) == [(TOPIC, str(user_id), 2, f"event of {newest}".encode())]


def test_the_sweep_emits_a_thought_again_only_after_twice_the_pause(database: Database, user_id: UUID) -> None:
    thought = accept_thought(database, user_id)
    make_older(database, thought, 6)
    assert [sweep_page(database, TOPIC), sweep_page(database, TOPIC)] == [1, 0]
    make_older(database, thought, 9, emissions=1)
    assert sweep_page(database, TOPIC) == 0
    make_older(database, thought, 2, emissions=1)
    assert sweep_page(database, TOPIC) == 1


def test_the_pause_between_emissions_stops_doubling_at_its_limit(database: Database, user_id: UUID) -> None:
    thought = accept_thought(database, user_id)
    make_older(database, thought, 5 * 2**6 + 1, emissions=1_000_000)
    assert sweep_page(database, TOPIC) == 1


def test_the_sweep_skips_a_recently_emitted_thought(database: Database, user_id: UUID) -> None:
    make_older(database, accept_thought(database, user_id), 4)
    assert sweep_page(database, TOPIC) == 0


def test_the_sweep_skips_a_line_whose_newest_thought_was_recently_emitted(database: Database, user_id: UUID) -> None:
    make_older(database, accept_thought(database, user_id), 60)
    accept_thought(database, user_id)
    assert sweep_page(database, TOPIC) == 0


def test_the_first_pause_of_an_external_thought_counts_from_its_acceptance(database: Database, user_id: UUID) -> None:
    """It came with its producer's record, which a bridge is processing."""
    thought = accept_thought(database, user_id, emit=False)
    database.rows(text("UPDATE thoughts SET headers = '{}'"))
    assert sweep_page(database, TOPIC) == 0
    make_older(database, thought, 6)
    assert sweep_page(database, TOPIC) == 1


def test_the_sweep_emits_a_thought_accepted_in_batch_mode_at_once(database: Database, user_id: UUID) -> None:
    """It never had a record, so the sweep does not wait, even while an earlier thought is being processed."""
    in_progress = accept_thought(database, user_id)
    database.rows(text("UPDATE thoughts SET status = 'processing', beat_at = now() WHERE id = :id"), id=in_progress)
    accept_thought(database, user_id, emit=False)
    assert [sweep_page(database, TOPIC), sweep_page(database, TOPIC)] == [1, 0]
    assert [turn for _, _, turn, _ in emitted_rows(database)] == [2]


def test_the_sweep_skips_a_line_whose_head_is_being_processed(database: Database, user_id: UUID) -> None:
    head, newest = accept_thought(database, user_id), accept_thought(database, user_id)
    make_older(database, newest, 60)
    set_heartbeat_age = text(
        "UPDATE thoughts SET status = 'processing', beat_at = now() - :ago * interval '1 s' WHERE id = :id"
    )
    database.rows(set_heartbeat_age, id=head, ago=50)
    assert sweep_page(database, TOPIC) == 0
    database.rows(set_heartbeat_age, id=head, ago=70)
    assert sweep_page(database, TOPIC) == 1


def test_the_sweep_never_emits_a_terminal_thought(database: Database, user_id: UUID) -> None:
    thought = accept_thought(database, user_id)
    make_older(database, thought, 600)
    database.rows(text("UPDATE thoughts SET status = 'failed', finished_at = now()"))
    assert sweep_page(database, TOPIC) == 0


def test_the_sweep_emits_one_record_for_each_user(database: Database) -> None:
    users = [uuid4() for _ in range(3)]
    for user in users:
        database.rows(text("INSERT INTO users (id) VALUES (:id)"), id=user)
        make_older(database, accept_thought(database, user), 6)
    assert sweep_page(database, TOPIC) == 3
    assert {key for _, key, _, _ in emitted_rows(database)} == {str(user) for user in users}


def test_the_sweep_skips_locked_rows_instead_of_waiting(database: Database, user_id: UUID) -> None:
    make_older(database, accept_thought(database, user_id), 6)
    with database.engine.execution_options(isolation_level="READ COMMITTED").begin() as holder:
        holder.execute(text("SELECT FROM thoughts FOR UPDATE"))
        assert sweep_page(database, TOPIC) == 0
    assert sweep_page(database, TOPIC) == 1


@pytest.mark.parametrize(("kafka_mode", "swept"), [(True, 1), (False, 0)])
def test_the_relay_sweeps_at_once_except_in_batch_mode(
    settings: Settings, database: Database, user_id: UUID, kafka_mode: bool, swept: int
) -> None:
    make_older(database, accept_thought(database, user_id), 6)
    with idle_relay(settings.model_copy(update={"kafka_mode": kafka_mode})) as relay:
        relay.run_pass()
    assert len(emitted_rows(database)) == swept


def test_a_standby_relay_does_not_sweep(settings: Settings, database: Database, user_id: UUID) -> None:
    make_older(database, accept_thought(database, user_id), 6)
    add_outbox_row(database, settings.kafka_topic)
    before = emitted_rows(database)
    lock = text("SELECT pg_advisory_xact_lock(7400)")
    with (
        idle_relay(settings) as relay,
        database.engine.execution_options(isolation_level="READ COMMITTED").begin() as leader,
    ):
        leader.execute(lock)
        assert relay.publish_batch() is PassResult.STANDBY
        relay.run_pass()
    assert emitted_rows(database) == before


def add_users_with_unprocessed_thoughts(database: Database, number: int) -> list[UUID]:
    users = [uuid4() for _ in range(number)]
    for user in users:
        database.rows(text("INSERT INTO users (id) VALUES (:id)"), id=user)
        for _ in range(2):
            make_older(database, accept_thought(database, user), 6)
    return users


def test_a_sweep_covers_all_users_in_pages(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_module, "USERS_PER_PAGE", 2)
    users = add_users_with_unprocessed_thoughts(database, 5)
    now = [0.0]
    sweep = Sweep(database, TOPIC, clock=lambda: now[0])
    assert [sweep.run_due_page() for _ in range(4)] == [0, 0, 5, 0]
    assert Counter(key for _, key, _, _ in emitted_rows(database)) == dict.fromkeys(map(str, users), 1)
    database.rows(text("UPDATE thoughts SET emitted_at = now() - interval '11 min'"))
    now[0] = SWEEP_INTERVAL_SECONDS - 1
    assert sweep.run_due_page() == 0
    now[0] = SWEEP_INTERVAL_SECONDS
    assert [sweep.run_due_page() for _ in range(3)] == [0, 0, 5]


def test_the_sweep_retries_a_failed_page_after_a_minute(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_module, "USERS_PER_PAGE", 2)
    add_users_with_unprocessed_thoughts(database, 3)
    now = [0.0]
    unavailable = Database(make_engine("postgresql+psycopg2://nobody@127.0.0.1:9/none", "unavailable"))
    sweep = Sweep(database, TOPIC, clock=lambda: now[0])
    assert sweep.run_due_page() == 0
    sweep._database = unavailable
    with pytest.raises(SQLAlchemyError):
        sweep.run_due_page()
    sweep._database = database
    assert sweep.run_due_page() == 0
    now[0] = SWEEP_INTERVAL_SECONDS
    assert sweep.run_due_page() == 3


def test_the_pauses_between_emissions_of_a_thought_double(database: Database, user_id: UUID) -> None:
    """The emission is moved back by a minute before each sweep, as if the sweep ran every minute."""
    thought = accept_thought(database, user_id)
    minutes = []
    for minute in range(1, 700):
        move_back = text("UPDATE thoughts SET emitted_at = emitted_at - interval '1 min' WHERE id = :id")
        database.rows(move_back, id=thought)
        minutes += [minute] * sweep_page(database, TOPIC)
    pauses = [after - before for before, after in zip([0, *minutes], minutes, strict=False)]
    assert pauses == [5, 10, 20, 40, 80, 160, 320]
    assert len(emitted_rows(database)) == len(pauses)


def test_the_sweep_emits_an_external_thought_with_its_original_headers(database: Database, user_id: UUID) -> None:
    thought = accept_thought(database, user_id, emit=False)
    source = capture_source(b"key", [("traceparent", b"00-aa"), ("x", None)])
    database.rows(text("UPDATE thoughts SET headers = CAST(:kept AS jsonb)"), kept=json.dumps(source))
    make_older(database, thought, 6)
    sweep_page(database, TOPIC)
    (row,) = database.rows(text("SELECT key, turn, headers FROM outbox"))
    assert row.key == str(user_id)
    assert restore_headers(row.headers, row.turn) == [("turn", b"1"), ("traceparent", b"00-aa"), ("x", None)]
