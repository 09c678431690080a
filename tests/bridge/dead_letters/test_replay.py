"""A replay moves a thought to the end of its user's line or republishes a record; a discard only closes."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from bridge.dead_letters import queries
from bridge.dead_letters.queries import Filter
from bridge.dead_letters.replay import CloseResult, discard, replay
from contracts.database import Database
from contracts.dead_letters import origin
from contracts.settings import Settings
from contracts.source_headers import capture_source
from tests.bridge.dead_letter_rows import (
    STEPS_DONE,
    accept_thought,
    add_failed_thought,
    add_record_dead_letter,
    delete_thought,
    fail_thought,
    get_dead_letter,
    get_thought,
    make_event,
    outbox_rows,
)
from tests.bridge.running_relays import idle_relay
from tests.bridge.topic_contents import header_list, read_records
from tests.transactions import slow_commit


def publish_and_read(settings: Settings) -> list[tuple[Any, Any, list[tuple[str, Any]]]]:
    """Let a relay publish the outbox, and return key, value and headers of the work topic's records."""
    with idle_relay(settings) as relay:
        relay.publish_batch()
    return [
        (record.key(), record.value(), header_list(record)) for record in read_records(settings, settings.kafka_topic)
    ]


def test_a_replayed_thought_is_pending_again_at_the_end_of_its_line(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure = add_failed_thought(database, settings, user_id)
    database.rows(text("UPDATE thoughts SET waiting = '{}' WHERE user_id = :user RETURNING id"), user=user_id)
    newer = accept_thought(database, settings, user_id)
    before = get_thought(database, failure)
    assert replay(database, failure, settings) == CloseResult(failure, True, True, "replayed as turn 3")
    after = get_thought(database, failure)
    assert (after.id, after.status, after.turn, after.finished_at, after.error) == (before.id, "pending", 3, None, None)
    assert (after.started_at, after.step_started_at, after.processing_seconds) == (None, None, None)
    assert (after.attempts, after.sends, after.losses, after.not_before, after.emissions) == (0, 0, 0, None, 0)
    assert (before.waiting, after.waiting) == ({}, None)
    assert after.steps_done == STEPS_DONE
    assert after.dispatch_id > before.dispatch_id
    assert after.beat > before.beat
    assert after.emitted_at > before.emitted_at
    assert outbox_rows(database) == [(str(user_id), 3, bytes(before.event))]
    assert get_thought(database, f"{newer}:2").turn == 2
    letter = get_dead_letter(database, failure)
    assert (letter.state, letter.replayed_turn, letter.resolved_at is not None) == ("replayed", 3, True)


def test_a_second_replay_does_nothing(settings: Settings, database: Database, user_id: UUID) -> None:
    failure = add_failed_thought(database, settings, user_id)
    replay(database, failure, settings)
    before = get_dead_letter(database, failure)
    assert replay(database, failure, settings) == CloseResult(failure, True, False, "already replayed as turn 2")
    assert len(outbox_rows(database)) == 1
    assert get_thought(database, failure).turn == 2
    assert get_dead_letter(database, failure) == before


def test_a_replay_that_is_repeated_during_the_first_ones_commit_answers_already_replayed(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure = add_failed_thought(database, settings, user_id)
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as first:
            assert replay(first, failure, settings).changed
            second = pool.submit(replay, database, failure, settings)
        assert second.result() == CloseResult(failure, True, False, "already replayed as turn 2")


def test_a_replay_of_a_record_that_is_discarded_meanwhile_does_not_succeed(
    settings: Settings, database: Database
) -> None:
    failure = add_record_dead_letter(database, settings, b"?")
    before = outbox_rows(database)
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as first:
            assert discard(first, failure).changed
            second = pool.submit(replay, database, failure, settings)
        assert second.result() == CloseResult(failure, False, False, "already discarded")
    assert outbox_rows(database) == before


def test_one_of_many_concurrent_replays_succeeds(settings: Settings, database: Database, user_id: UUID) -> None:
    failure = add_failed_thought(database, settings, user_id)
    with ThreadPoolExecutor(8) as pool:
        results = [*pool.map(lambda _: replay(database, failure, settings), range(8))]
    assert [result.description for result in results if result.changed] == ["replayed as turn 2"]
    assert len(outbox_rows(database)) == 1
    assert database.rows(text("SELECT last_turn FROM users"))[0].last_turn == 2


def test_one_of_concurrent_replays_and_discards_succeeds(settings: Settings, database: Database, user_id: UUID) -> None:
    for _ in range(5):
        failure = add_failed_thought(database, settings, user_id)
        with ThreadPoolExecutor(8) as pool:
            calls = [lambda f: replay(database, f, settings), lambda f: discard(database, f)] * 4
            results = [*pool.map(lambda call, f=failure: call(f), calls)]
        assert [result.changed for result in results].count(True) == 1
        expected = {"replayed": "pending", "discarded": "failed"}[get_dead_letter(database, failure).state]
        assert get_thought(database, failure).status == expected


def test_a_thought_that_fails_again_can_be_replayed_again(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure = add_failed_thought(database, settings, user_id)
    replay(database, failure, settings)
    second = fail_thought(database, get_thought(database, failure).id)
    assert replay(database, second, settings).description == "replayed as turn 3"
    assert replay(database, failure, settings).description == "already replayed as turn 2"


def test_a_dead_letter_does_not_replay_a_thought_that_is_no_longer_failed(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure = add_failed_thought(database, settings, user_id)
    database.rows(text("UPDATE thoughts SET status = 'completed'"))
    result = replay(database, failure, settings)
    assert (result.succeeded, "no longer failed" in result.description) == (False, True)
    assert get_dead_letter(database, failure).state == "open"
    assert database.rows(text("SELECT last_turn FROM users"))[0].last_turn == 1


def test_a_dead_letter_of_an_earlier_turn_does_not_replay_a_thought_that_failed_in_a_later_one(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    earlier = add_failed_thought(database, settings, user_id)
    replay(database, earlier, settings)
    fail_thought(database, get_thought(database, earlier).id)
    database.rows(text("UPDATE dead_letters SET state = 'open', replayed_turn = NULL"))  # as after a rebuild
    assert not replay(database, earlier, settings).succeeded


def test_a_deleted_thought_is_never_replayed(settings: Settings, database: Database, user_id: UUID) -> None:
    failure = add_failed_thought(database, settings, user_id)
    delete_thought(database, get_thought(database, failure).id)
    before = get_thought(database, failure)
    result = replay(database, failure, settings)
    assert (result.succeeded, result.description) == (False, "not replayed: its thought was deleted by its author")
    assert get_thought(database, failure) == before
    assert outbox_rows(database) == []


def test_replay_and_discard_distinguish_an_unknown_id_from_a_closed_dead_letter(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure = add_failed_thought(database, settings, user_id)
    assert discard(database, failure) == CloseResult(failure, True, True, "discarded")
    assert discard(database, failure) == CloseResult(failure, True, False, "already discarded")
    assert replay(database, failure, settings) == CloseResult(failure, False, False, "already discarded")
    assert "no dead letter" in replay(database, "never seen", settings).description
    assert "no dead letter" in discard(database, "never seen").description
    assert (get_thought(database, failure).status, get_dead_letter(database, failure).state) == ("failed", "discarded")


def test_a_replay_in_batch_mode_writes_nothing_to_the_outbox(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure, record = add_failed_thought(database, settings, user_id), add_record_dead_letter(database, settings, b"?")
    database.rows(text("DELETE FROM outbox"))
    batch_mode = settings.model_copy(update={"kafka_mode": False})
    replay(database, failure, batch_mode)
    assert "in batch mode no bridge reads records" in replay(database, record, batch_mode).description
    assert outbox_rows(database) == []
    assert (get_thought(database, failure).status, get_thought(database, failure).turn) == ("pending", 2)
    assert get_dead_letter(database, record).state == "open"


def test_a_record_whose_value_was_not_stored_is_not_replayed(settings: Settings, database: Database) -> None:
    failure = add_record_dead_letter(database, settings, None, value_left_out="undecodable")
    database.rows(text("DELETE FROM outbox"))
    result = replay(database, failure, settings)
    assert (result.succeeded, result.description) == (False, "not replayed: its value was not stored (undecodable)")
    assert (get_dead_letter(database, failure).state, outbox_rows(database)) == ("open", [])
    (candidate,) = queries.select_candidates(database, Filter(ids=(failure,)))
    assert not candidate.replayable


@pytest.mark.usefixtures("topics")
@pytest.mark.parametrize("key", [b"\xff a key", None, b""])
def test_a_record_that_never_became_a_thought_is_published_again_unchanged(
    settings: Settings, database: Database, key: bytes | None
) -> None:
    value = b"\x00\xff not an event"
    source_headers: list[tuple[str, bytes | None]] = [
        ("turn", b"x"),
        ("trace", b"\xff"),
        ("trace", None),
        ("replay-of", b"old"),
    ]
    failure = add_record_dead_letter(database, settings, value, key=key, headers=source_headers)
    database.rows(text("DELETE FROM outbox"))
    assert replay(database, failure, settings).changed
    assert not replay(database, failure, settings).changed
    assert publish_and_read(settings) == [(key, value, [("replay-of", failure.encode()), *source_headers[:-1]])]


@pytest.mark.usefixtures("topics")
def test_a_tombstone_is_published_again_as_a_tombstone(settings: Settings, database: Database) -> None:
    failure = add_record_dead_letter(database, settings, None)
    database.rows(text("DELETE FROM outbox"))
    replay(database, failure, settings)
    ((key, value, _),) = publish_and_read(settings)
    assert (key, value) == (b"the key", None)


@pytest.mark.usefixtures("topics")
def test_a_replayed_external_thought_keeps_its_headers_and_gets_the_new_turn(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    source = capture_source(str(user_id).upper().encode(), [("traceparent", b"00-aa"), ("turn", b"77"), ("x", None)])
    failure = fail_thought(database, accept_thought(database, settings, user_id, source=source))
    replay(database, failure, settings)
    ((key, _, headers),) = publish_and_read(settings)
    assert key == str(user_id).encode()
    assert headers == [("turn", b"2"), ("traceparent", b"00-aa"), ("x", None)]


def test_an_event_of_an_unknown_user_is_replayed_as_a_record(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    thought, value = make_event(user_id)
    failure = add_record_dead_letter(database, settings, value, reason="unknown-user", user_id=str(user_id))
    assert replay(database, failure, settings).changed
    assert database.rows(text("SELECT FROM thoughts WHERE id = :id"), id=thought) == []
    position = origin(settings.kafka_topic, 1, 42, 1_700_000_000_000)
    assert get_dead_letter(database, failure).headers["origin"] == position
