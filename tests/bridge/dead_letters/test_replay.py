"""Replay and discard: a thought goes to the end of its author's line once, a record back to the topic as it was."""

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
    a_thought,
    an_event,
    buried,
    delete,
    emitted,
    fail,
    failed,
    letter_of,
    thought_of,
)
from tests.bridge.running_relays import a_relay
from tests.bridge.topic_contents import header_list, records
from tests.transactions import slow_commit


def in_kafka(settings: Settings) -> list[tuple[Any, Any, list[tuple[str, Any]]]]:
    """The records of the work topic: key, value, headers."""
    with a_relay(settings) as relay:
        relay.publish_batch()
    return [(one.key(), one.value(), header_list(one)) for one in records(settings, settings.kafka_topic)]


def test_a_replayed_thought_is_pending_again_at_the_end_of_its_line(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure = failed(database, settings, user_id)
    newer = a_thought(database, settings, user_id)
    before = thought_of(database, failure)
    assert replay(database, failure, settings) == CloseResult(failure, True, True, "replayed as turn 3")
    after = thought_of(database, failure)
    assert (after.id, after.status, after.turn, after.finished_at, after.error) == (before.id, "pending", 3, None, None)
    assert (after.started_at, after.step_started_at, after.processing_seconds) == (None, None, None)
    assert (after.attempts, after.sends, after.losses, after.not_before, after.emissions) == (0, 0, 0, None, 0)
    assert after.steps_done == STEPS_DONE
    assert after.dispatch_id > before.dispatch_id
    assert after.beat > before.beat
    assert after.emitted_at > before.emitted_at
    assert emitted(database) == [(str(user_id), 3, bytes(before.event))]
    assert thought_of(database, f"{newer}:2").turn == 2
    letter = letter_of(database, failure)
    assert (letter.state, letter.replayed_turn, letter.resolved_at is not None) == ("replayed", 3, True)


def test_a_second_replay_does_nothing(settings: Settings, database: Database, user_id: UUID) -> None:
    failure = failed(database, settings, user_id)
    replay(database, failure, settings)
    before = letter_of(database, failure)
    assert replay(database, failure, settings) == CloseResult(failure, True, False, "already replayed as turn 2")
    assert len(emitted(database)) == 1
    assert thought_of(database, failure).turn == 2
    assert letter_of(database, failure) == before


def test_a_replay_repeated_during_the_first_ones_commit_is_known_for_done(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure = failed(database, settings, user_id)
    with ThreadPoolExecutor(1) as pool:
        with slow_commit(database) as first:
            assert replay(first, failure, settings).changed
            second = pool.submit(replay, database, failure, settings)
        assert second.result() == CloseResult(failure, True, False, "already replayed as turn 2")


def test_of_many_replays_at_once_one_wins(settings: Settings, database: Database, user_id: UUID) -> None:
    failure = failed(database, settings, user_id)
    with ThreadPoolExecutor(8) as pool:
        done = [*pool.map(lambda _: replay(database, failure, settings), range(8))]
    assert [one.description for one in done if one.changed] == ["replayed as turn 2"]
    assert len(emitted(database)) == 1
    assert database.rows(text("SELECT last_turn FROM users"))[0].last_turn == 2


def test_replayed_or_discarded_at_once_it_is_one_of_both(settings: Settings, database: Database, user_id: UUID) -> None:
    for _ in range(5):
        failure = failed(database, settings, user_id)
        with ThreadPoolExecutor(8) as pool:
            acts = [lambda f: replay(database, f, settings), lambda f: discard(database, f)] * 4
            done = [*pool.map(lambda act, f=failure: act(f), acts)]
        assert [one.changed for one in done].count(True) == 1
        expected = {"replayed": "pending", "discarded": "failed"}[letter_of(database, failure).state]
        assert thought_of(database, failure).status == expected


def test_a_thought_that_fails_again_can_be_replayed_again(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure = failed(database, settings, user_id)
    replay(database, failure, settings)
    second = fail(database, thought_of(database, failure).id)
    assert replay(database, second, settings).description == "replayed as turn 3"
    assert replay(database, failure, settings).description == "already replayed as turn 2"


def test_a_dead_letter_of_an_older_life_does_not_replay_a_thought_that_moved_on(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure = failed(database, settings, user_id)
    database.rows(text("UPDATE thoughts SET status = 'completed'"))
    done = replay(database, failure, settings)
    assert (done.succeeded, "moved on" in done.description) == (False, True)
    assert letter_of(database, failure).state == "open"
    assert database.rows(text("SELECT last_turn FROM users"))[0].last_turn == 1


def test_a_dead_letter_of_an_older_turn_does_not_replay_what_failed_in_a_later_one(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    older = failed(database, settings, user_id)
    replay(database, older, settings)
    fail(database, thought_of(database, older).id)
    database.rows(text("UPDATE dead_letters SET state = 'open', replayed_turn = NULL"))  # as in an index made anew
    assert not replay(database, older, settings).succeeded


def test_a_deleted_thought_is_never_replayed(settings: Settings, database: Database, user_id: UUID) -> None:
    failure = failed(database, settings, user_id)
    delete(database, thought_of(database, failure).id)
    before = thought_of(database, failure)
    done = replay(database, failure, settings)
    assert (done.succeeded, done.description) == (False, "not replayed: its thought was deleted by its author")
    assert thought_of(database, failure) == before
    assert emitted(database) == []


def test_an_unknown_id_and_a_discarded_letter_are_told_apart(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure = failed(database, settings, user_id)
    assert discard(database, failure) == CloseResult(failure, True, True, "discarded")
    assert discard(database, failure) == CloseResult(failure, True, False, "already discarded")
    assert replay(database, failure, settings) == CloseResult(failure, False, False, "already discarded")
    assert "no dead letter" in replay(database, "never seen", settings).description
    assert "no dead letter" in discard(database, "never seen").description
    assert (thought_of(database, failure).status, letter_of(database, failure).state) == ("failed", "discarded")


def test_in_batch_mode_a_replay_leaves_nothing_for_kafka(settings: Settings, database: Database, user_id: UUID) -> None:
    failure, record = failed(database, settings, user_id), buried(database, settings, b"?")
    database.rows(text("DELETE FROM outbox"))
    batches = settings.model_copy(update={"kafka_mode": False})
    replay(database, failure, batches)
    assert "in batch mode nobody reads" in replay(database, record, batches).description
    assert emitted(database) == []
    assert (thought_of(database, failure).status, thought_of(database, failure).turn) == ("pending", 2)
    assert letter_of(database, record).state == "open"


def test_a_record_whose_value_is_not_here_is_not_written_again_without_it(
    settings: Settings, database: Database
) -> None:
    failure = buried(database, settings, None, value_left_out="undecodable")
    database.rows(text("DELETE FROM outbox"))
    done = replay(database, failure, settings)
    assert (done.succeeded, done.description) == (False, "not replayed: its value is not here (undecodable)")
    assert (letter_of(database, failure).state, emitted(database)) == ("open", [])
    assert [one.replayable for one in queries.select_candidates(database, Filter(ids=(failure,)))] == [False]


@pytest.mark.usefixtures("topics")
@pytest.mark.parametrize("key", [b"\xff a key", None, b""])
def test_a_record_that_never_was_a_thought_is_written_again_as_it_was(
    settings: Settings, database: Database, key: bytes | None
) -> None:
    value = b"\x00\xff not an event"
    theirs: list[tuple[str, bytes | None]] = [
        ("turn", b"x"),
        ("trace", b"\xff"),
        ("trace", None),
        ("replay-of", b"old"),
    ]
    failure = buried(database, settings, value, key=key, headers=theirs)
    database.rows(text("DELETE FROM outbox"))
    assert replay(database, failure, settings).changed
    assert not replay(database, failure, settings).changed
    assert in_kafka(settings) == [(key, value, [("replay-of", failure.encode()), *theirs[:-1]])]


@pytest.mark.usefixtures("topics")
def test_a_tombstone_is_written_again_as_a_tombstone(settings: Settings, database: Database) -> None:
    failure = buried(database, settings, None)
    database.rows(text("DELETE FROM outbox"))
    replay(database, failure, settings)
    ((key, value, _),) = in_kafka(settings)
    assert (key, value) == (b"the key", None)


@pytest.mark.usefixtures("topics")
def test_a_foreign_thought_that_is_replayed_has_its_own_headers_and_our_turn(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    kept = capture_source(str(user_id).upper().encode(), [("traceparent", b"00-aa"), ("turn", b"77"), ("x", None)])
    failure = fail(database, a_thought(database, settings, user_id, kept=kept))
    replay(database, failure, settings)
    ((key, _, headers),) = in_kafka(settings)
    assert key == str(user_id).encode()
    assert headers == [("turn", b"2"), ("traceparent", b"00-aa"), ("x", None)]


def test_a_record_of_an_event_can_be_replayed_without_a_thought_of_its_own(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    thought, value = an_event(user_id)
    failure = buried(database, settings, value, reason="unknown-user", user_id=str(user_id))
    assert replay(database, failure, settings).changed
    assert database.rows(text("SELECT FROM thoughts WHERE id = :id"), id=thought) == []
    assert origin(settings.kafka_topic, 1, 42, 1_700_000_000_000) == letter_of(database, failure).headers["origin"]
