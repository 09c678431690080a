"""Dead letters are buried once, shown, and replayed once, to the end of their author's line."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from bridge.dead_letters import Replay, bury, dead_letters, replay
from contracts.accept import accept
from contracts.database import Database
from contracts.dead_letters import failure_headers, origin, original
from contracts.settings import Settings
from tests.bridge.kafka_log import headers, records
from tests.bridge.relays import a_relay
from tests.stores import ROOT

STEPS_DONE = 2


def a_thought(database: Database, settings: Settings, user: UUID) -> UUID:
    """An accepted thought, its outbox row already published."""
    thought = uuid4()
    value = b"\x00event of " + thought.bytes
    topic = settings.kafka_topic
    accept(database, thought_id=thought, user_id=user, text="A thought", event=value, topic=topic, emit=True)
    database.rows(text("DELETE FROM outbox"))
    return thought


def failed(database: Database, settings: Settings, user: UUID, *, message: str = "no luck") -> str:
    """A thought that failed for good in its third step; returns its failure id."""
    thought = a_thought(database, settings, user)
    told = failure_headers(reason="permanent", error_class="E", message=message, agent="value_impact", attempts=4)
    statement = text("""
        WITH t AS (UPDATE thoughts SET status = 'failed', finished_at = now(), started_at = now(), beat = 9,
                          step_started_at = now(), error = '{"message": "no luck"}', dispatch_id = 3, attempts = 4,
                          steps_done = :steps, sends = 2, losses = 1, not_before = now(), emissions = 5,
                          processing_seconds = 4 WHERE id = :id RETURNING id, turn, event)
        INSERT INTO dead_letters (failure_id, thought_id, turn, reason, value, headers)
        SELECT id || ':' || turn, id, turn, 'permanent', event, CAST(:headers AS jsonb) FROM t RETURNING failure_id
    """)
    return str(database.rows(statement, id=thought, headers=json.dumps(told), steps=STEPS_DONE)[0].failure_id)


def thought_of(database: Database, failure_id: str) -> Any:
    return database.rows(text("SELECT * FROM thoughts WHERE id = :id"), id=UUID(failure_id.split(":")[0]))[0]


def emitted(database: Database) -> list[tuple[str | None, int | None, bytes]]:
    rows = database.rows(text("SELECT key, turn, value FROM outbox ORDER BY id"))
    return [(row.key, row.turn, bytes(row.value)) for row in rows]


def bury_a_record(database: Database, settings: Settings, value: bytes | None, **more: Any) -> None:
    told = failure_headers(reason="unreadable", error_class="UnreadableEventError", message="no JSON")
    told |= {
        "key": "NUL \x00 and a lone surrogate \udc80",
        "origin": origin(settings.kafka_topic, 1, 42, 1_700_000_000_000),
        **original(b"the key", [("trace", b"\xff"), ("trace", None)]),
    }
    own = {"failure_id": "f", "reason": "unreadable", "headers": told | more}
    bury(database, value=value, topic=settings.kafka_dead_letter_topic, **own)  # type: ignore[arg-type]


@pytest.mark.usefixtures("topics")
@pytest.mark.parametrize("value", [b"\x00\xff not an event", None, b""])
def test_a_record_buried_twice_is_one_dead_letter_with_its_bytes_intact(
    settings: Settings, database: Database, value: bytes | None
) -> None:
    for _ in range(2):
        bury_a_record(database, settings, value)
    with a_relay(settings) as relay:
        relay.round()
    (found,) = records(settings, settings.kafka_dead_letter_topic)
    assert found.value() == value
    expected = {"failure-id": b"f", "reason": b"unreadable", "original-offset": b"42", "original-key": b"the key"}
    assert expected.items() <= headers(found).items()
    (kept,) = dead_letters(database)
    assert (kept.kafka_partition, kept.kafka_offset) == (found.partition(), found.offset())


def test_a_replayed_thought_is_pending_again_at_the_end_of_its_line(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure = failed(database, settings, user_id)
    newer = a_thought(database, settings, user_id)
    before = thought_of(database, failure)
    assert replay(database, settings, [failure]) == [Replay(failure, True, "replayed as turn 3")]
    after = thought_of(database, failure)
    assert (after.status, after.turn, after.finished_at, after.error) == ("pending", 3, None, None)
    assert (after.started_at, after.step_started_at, after.processing_seconds) == (None, None, None)
    assert (after.attempts, after.sends, after.losses, after.not_before, after.emissions) == (0, 0, 0, None, 0)
    assert after.steps_done == STEPS_DONE
    assert after.dispatch_id > before.dispatch_id
    assert after.beat > before.beat
    assert after.emitted_at > before.emitted_at
    assert emitted(database) == [(str(user_id), 3, bytes(before.event))]
    assert thought_of(database, f"{newer}:2").turn == 2
    assert dead_letters(database) == []


def test_a_second_replay_does_nothing(settings: Settings, database: Database, user_id: UUID) -> None:
    failure = failed(database, settings, user_id)
    replay(database, settings, [failure])
    assert replay(database, settings, [failure]) == [Replay(failure, True, "already replayed")]
    assert len(emitted(database)) == 1
    assert thought_of(database, failure).turn == 2


def test_of_many_replays_at_once_one_wins(settings: Settings, database: Database, user_id: UUID) -> None:
    failure = failed(database, settings, user_id)
    with ThreadPoolExecutor(8) as pool:
        done = [*pool.map(lambda _: replay(database, settings, [failure])[0], range(8))]
    assert [one.what for one in done if one.what.startswith("replayed")] == ["replayed as turn 2"]
    assert len(emitted(database)) == 1
    assert database.rows(text("SELECT last_turn FROM users"))[0].last_turn == 2


def test_several_of_one_user_keep_their_order(settings: Settings, database: Database, user_id: UUID) -> None:
    first, second, third = (failed(database, settings, user_id) for _ in range(3))
    done = replay(database, settings, [third, first, second, first])
    assert [one.failure_id for one in done] == [first, second, third]
    assert [thought_of(database, one).turn for one in (first, second, third)] == [4, 5, 6]


def test_a_thought_that_fails_again_can_be_replayed_again(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure = failed(database, settings, user_id)
    replay(database, settings, [failure])
    again = text("""
        WITH t AS (UPDATE thoughts SET status = 'failed', finished_at = now() RETURNING id, turn)
        INSERT INTO dead_letters (failure_id, thought_id, turn, reason, headers)
        SELECT id || ':' || turn, id, turn, 'permanent', '{}' FROM t RETURNING failure_id
    """)
    second = database.rows(again)[0].failure_id
    assert replay(database, settings, [second, failure]) == [
        Replay(failure, True, "already replayed"),
        Replay(second, True, "replayed as turn 3"),
    ]


def test_a_dead_letter_of_an_older_life_does_not_replay_a_thought_that_moved_on(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    failure = failed(database, settings, user_id)
    database.rows(text("UPDATE thoughts SET status = 'completed'"))
    (done,) = replay(database, settings, [failure])
    assert (done.is_back, "moved on" in done.what) == (False, True)
    assert [one.state for one in dead_letters(database)] == ["open"]
    assert database.rows(text("SELECT last_turn FROM users"))[0].last_turn == 1


def test_an_unreadable_record_an_unknown_id_and_a_discarded_letter_are_told_apart(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    bury_a_record(database, settings, b"?")
    failure = failed(database, settings, user_id)
    database.rows(text("UPDATE dead_letters SET state = 'discarded' WHERE failure_id = :id"), id=failure)
    done = {one.failure_id: one for one in replay(database, settings, ["f", "never seen", failure])}
    assert not any(one.is_back for one in done.values())
    assert "unreadable" in done["f"].what
    assert "no dead letter" in done["never seen"].what
    assert done[failure].what == "already discarded"


def test_in_batch_mode_a_replay_leaves_nothing_for_kafka(settings: Settings, database: Database, user_id: UUID) -> None:
    failure = failed(database, settings, user_id)
    replay(database, settings.model_copy(update={"kafka_mode": False}), [failure])
    assert emitted(database) == []
    assert (thought_of(database, failure).status, thought_of(database, failure).turn) == ("pending", 2)


def test_the_list_shows_open_letters_newest_first_on_one_line_each(
    settings: Settings, database: Database, user_id: UUID
) -> None:
    older = failed(database, settings, user_id)
    newer = failed(database, settings, user_id, message="first\nsecond " + "long " * 100)
    replayed = failed(database, settings, user_id)
    replay(database, settings, [replayed])
    found = dead_letters(database)
    assert [one.failure_id for one in found] == [newer, older]
    line = found[0].line()
    assert line.startswith(newer)
    assert "value_impact x4  first second long" in line
    assert "\n" not in line
    assert len(line) < 250
    assert {one.failure_id: one.state for one in dead_letters(database, every=True)}[replayed] == "replayed"


def bridge(settings: Settings, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "KAFKA_TOPIC": settings.kafka_topic,
    }
    command = [sys.executable, "-m", "bridge", "dead-letters", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_commands_show_and_replay(settings: Settings, database: Database, user_id: UUID) -> None:
    failure = failed(database, settings, user_id)
    shown = bridge(settings, "list", "--json")
    (letter,) = json.loads(shown.stdout)
    assert (letter["failure_id"], letter["attempts"], letter["message"]) == (failure, 4, "no luck")
    done = bridge(settings, "replay", failure)
    assert (done.returncode, done.stdout) == (0, f"{failure}: replayed as turn 2\n")
    assert bridge(settings, "list").stdout == "No dead letters.\n"
    assert failure in bridge(settings, "list", "--all").stdout
    unknown = bridge(settings, "replay", "never seen")
    assert (unknown.returncode, unknown.stdout) == (1, "never seen: there is no dead letter with this id\n")


def test_postgresql_away_is_said_in_one_line(settings: Settings) -> None:
    away = settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:9/none"})
    said = bridge(away, "list")
    assert said.returncode == 1
    assert said.stderr.startswith("PostgreSQL did not answer")
    assert said.stderr.count("\n") == 1
