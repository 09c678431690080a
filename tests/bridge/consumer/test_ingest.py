"""Intake on a real PostgreSQL: another producer's events become thoughts, everything else a dead letter, whole."""

import base64
import json
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
import redis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text

from bridge.consumer.decide import decide
from bridge.consumer.ingest import Ingestion
from bridge.consumer.lane import Lane
from bridge.records.parse import corrupt_record
from contracts.database import Database
from contracts.dead_letters import corrupt_origin, kafka_headers, read_headers
from contracts.events import thought_created
from contracts.progress import channel
from contracts.settings import Settings
from contracts.source_headers import restore_headers, restore_key
from tests.bridge.dead_letter_rows import delete
from tests.bridge.ingesting import an_intake, bring, letters
from tests.bridge.thoughts import add_thought, add_user, row
from tests.eventually import eventually
from tests.stores import Stores, a_database

BINARY = b"\x00\xff\xfe not UTF-8 \x80"


@pytest.fixture(scope="module")
def database_url(stores: Stores, template: str) -> Iterator[str]:
    with a_database(stores, template) as url:
        yield url


@pytest.fixture
def intake(settings: Settings, database: Database) -> Ingestion:
    return an_intake(database, settings)


@pytest.fixture
def lane() -> Lane:
    return Lane(0, 20.0)


def test_another_producers_event_is_stored_with_its_own_bytes_and_without_a_record(
    intake: Ingestion, lane: Lane, database: Database, user_id: UUID
) -> None:
    thought = uuid4()
    value = json.dumps(
        thought_created(user_id, thought, "From afar").to_dict() | {"mood": "curious"}, indent=3
    ).encode()
    bring(lane, 0, value)
    intake.work(lane, 0.0)
    stands = row(database, thought)
    assert (bytes(stands.event), stands.text, stands.turn, stands.emitted_at) == (value, "From afar", 1, None)
    assert database.rows(text("SELECT FROM outbox WHERE key = :key"), key=str(user_id)) == []
    (ask,) = lane.due_requests(0.0)
    assert ask.records[0].turn == 1


def test_events_are_stored_in_the_order_of_the_log(
    intake: Ingestion, lane: Lane, database: Database, user_id: UUID
) -> None:
    thoughts = [uuid4() for _ in range(8)]
    for offset, thought in enumerate(thoughts):
        bring(lane, offset, thought_created(user_id, thought, "One of many").to_bytes())
    intake.work(lane, 0.0)
    assert [row(database, thought).turn for thought in thoughts] == list(range(1, 9))


def test_the_same_event_twice_is_one_thought(intake: Ingestion, lane: Lane, database: Database, user_id: UUID) -> None:
    value = thought_created(user_id, uuid4(), "Said twice").to_bytes()
    bring(lane, 0, value)
    bring(lane, 1, value)
    intake.work(lane, 0.0)
    assert database.rows(text("SELECT count(*) FROM thoughts WHERE user_id = :u"), u=user_id)[0][0] == 1
    (ask,) = lane.due_requests(0.0)
    assert [record.turn for record in ask.records] == [1, 1]


def test_a_stored_thought_is_shown_live_once(
    intake: Ingestion, lane: Lane, settings: Settings, user_id: UUID, redis_client: redis.Redis
) -> None:
    value = thought_created(user_id, uuid4(), "Seen live").to_bytes()
    bring(lane, 0, value)
    bring(lane, 1, value)
    with redis_client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe(channel(settings.redis_sse_prefix, user_id))
        listener.get_message(timeout=5)
        intake.work(lane, 0.0)
        message = eventually(lambda: listener.get_message(timeout=1))
        assert json.loads(message["data"])["type"] == "thought_created"
        assert listener.get_message() is None


def test_an_unreadable_record_becomes_a_dead_letter_with_bytes_and_headers_intact(
    intake: Ingestion, lane: Lane, database: Database, settings: Settings
) -> None:
    bring(lane, 0, BINARY, [("trace", BINARY), ("empty", None), ("trace", b"again")], topic="intact")
    intake.work(lane, 0.0)
    assert (lane.frontier, lane.is_idle) == (1, True)
    (letter,) = letters(database, "intact")
    assert (bytes(letter.value), letter.state, letter.thought_id) == (BINARY, "open", None)
    assert letter.headers["origin"] == {"topic": "intact", "partition": 0, "offset": 0, "timestamp": 1_700_000_000_000}
    assert base64.b64decode(letter.headers["original_key"]) == b"its \xff key"
    kept = [[name, value and base64.b64decode(value)] for name, value in letter.headers["original_headers"]]
    assert kept == [["trace", BINARY], ["empty", None], ["trace", b"again"]]
    (out,) = database.rows(text("SELECT * FROM outbox WHERE failure_id = :id"), id=letter.failure_id)
    assert (out.topic, bytes(out.value)) == (settings.kafka_dead_letter_topic, BINARY)


def test_a_tombstone_becomes_a_dead_letter_without_a_value(intake: Ingestion, lane: Lane, database: Database) -> None:
    bring(lane, 0, None, topic="tombstone")
    intake.work(lane, 0.0)
    assert [letter.value for letter in letters(database, "tombstone")] == [None]


def test_a_record_that_nobody_can_decode_becomes_a_dead_letter_that_says_where_it_stands(
    intake: Ingestion, lane: Lane, database: Database
) -> None:
    where = corrupt_origin("damaged", 0, 7, "id-of-the-topic")
    unread = corrupt_record(where, "it does not unpack")
    lane.add_invalid(unread.record, unread.reason)
    intake.work(lane, 0.0)
    (letter,) = letters(database, "damaged")
    assert (letter.value, letter.headers["origin"], lane.frontier) == (None, where, 8)
    told = dict(kafka_headers(letter.failure_id, letter.headers))
    assert (told["reason"], told["error-class"]) == (b"unreadable", b"Undecodable")
    assert (told["original-value-left-out"], told["error-message"]) == (b"undecodable", b"it does not unpack")
    assert (told["original-topic-id"], told["original-timestamp"]) == (b"id-of-the-topic", None)
    assert read_headers(told.items()) == (letter.failure_id, letter.headers)


def test_a_second_reader_of_a_bad_record_adds_nothing(intake: Ingestion, database: Database) -> None:
    for _ in range(2):
        lane = Lane(0, 20.0)
        bring(lane, 3, BINARY, topic="twice")
        intake.work(lane, 0.0)
    (letter,) = letters(database, "twice")
    assert len(database.rows(text("SELECT FROM outbox WHERE failure_id = :id"), id=letter.failure_id)) == 1


def test_equal_bytes_at_two_offsets_are_two_dead_letters(intake: Ingestion, lane: Lane, database: Database) -> None:
    bring(lane, 0, BINARY, topic="equal")
    bring(lane, 1, BINARY, topic="equal")
    intake.work(lane, 0.0)
    assert len(letters(database, "equal")) == 2


def test_an_unknown_user_and_another_users_thought_become_dead_letters(
    intake: Ingestion, lane: Lane, database: Database, user_id: UUID
) -> None:
    theirs = add_thought(database, add_user(database))
    bring(lane, 0, thought_created(uuid4(), uuid4(), "Who am I?").to_bytes(), topic="nobody")
    bring(lane, 1, thought_created(user_id, theirs, "Mine?").to_bytes(), topic="nobody")
    intake.work(lane, 0.0)
    assert [letter.reason for letter in letters(database, "nobody")] == ["unknown-user", "contradicts"]
    assert lane.is_idle


def test_a_text_that_we_do_not_take_becomes_a_dead_letter_with_its_bytes(
    intake: Ingestion, lane: Lane, database: Database, user_id: UUID
) -> None:
    value = json.dumps(thought_created(user_id, uuid4(), "x").to_dict() | {"text": "a\x00b"}).encode()
    bring(lane, 0, value, topic="refused")
    intake.work(lane, 0.0)
    assert [bytes(letter.value) for letter in letters(database, "refused")] == [value]


@pytest.mark.parametrize("name", ["user_id", "thought_id", "event_type", "timestamp", "version"])
def test_a_nul_anywhere_in_an_event_does_not_stop_the_lane(
    intake: Ingestion, lane: Lane, database: Database, user_id: UUID, name: str
) -> None:
    value = json.dumps(thought_created(user_id, uuid4(), "x").to_dict() | {name: "\x00"}).encode()
    bring(lane, 0, value, [("a\x00\ud800", b"\x00")], topic=f"nul-{name}")
    intake.work(lane, 0.0)
    assert lane.is_idle
    assert [bytes(letter.value) for letter in letters(database, f"nul-{name}")] == [value]


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.none() | st.binary(max_size=200),
    headers=st.lists(st.tuples(st.text(max_size=8), st.none() | st.binary(max_size=30)), max_size=3),
)
def test_no_record_stops_the_lane(
    intake: Ingestion, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    lane = Lane(0, 20.0)
    bring(lane, 0, value, headers, topic="any")
    intake.work(lane, 0.0)
    assert lane.is_idle


def test_a_foreign_thought_keeps_its_key_and_headers(
    intake: Ingestion, lane: Lane, database: Database, user_id: UUID
) -> None:
    thought = uuid4()
    headers = [("traceparent", b"00-aa"), ("x", b"\xff"), ("x", None), ("Baggage", b"b=1"), ("tracestate", None)]
    bring(lane, 0, thought_created(user_id, thought, "Traced").to_bytes(), headers)
    intake.work(lane, 0.0)
    kept = row(database, thought).headers
    assert restore_key(kept) == str(user_id).encode()
    assert restore_headers(kept, None) == headers
    assert [name for name, _ in kept["tracing"]] == ["traceparent", "Baggage"]


def test_an_old_record_does_not_bring_a_deleted_thought_back(
    intake: Ingestion, lane: Lane, database: Database, user_id: UUID
) -> None:
    thought = uuid4()
    value = thought_created(user_id, thought, "Gone").to_bytes()
    bring(lane, 0, value)
    intake.work(lane, 0.0)
    delete(database, thought)
    before = row(database, thought)
    for offset in (1, 2):
        bring(lane, offset, value, [("turn", b"1")] if offset == 2 else (), topic="deleted")
    intake.work(lane, 0.0)
    for _ in range(2):
        for ask in lane.due_requests(0.0):
            for decision in decide(database, [ask]):
                lane.decided(decision, 0.0)
    assert lane.is_idle
    assert row(database, thought) == before
    assert letters(database, "deleted") == []


def test_another_text_under_a_known_id_is_a_dead_letter_and_not_lost(
    intake: Ingestion, lane: Lane, database: Database, user_id: UUID
) -> None:
    thought = uuid4()
    bring(lane, 0, thought_created(user_id, thought, "First").to_bytes(), topic="other-text")
    bring(lane, 1, thought_created(user_id, thought, "Second").to_bytes(), topic="other-text")
    intake.work(lane, 0.0)
    (letter,) = letters(database, "other-text")
    assert (letter.reason, letter.headers["error_class"]) == ("contradicts", "OtherThought")
    assert (letter.headers["user_id"], letter.headers["thought_id"]) == (str(user_id), str(thought))
    assert row(database, thought).text == "First"


def test_what_a_dead_letter_says_can_be_sorted_by_kind(intake: Ingestion, lane: Lane, database: Database) -> None:
    for offset, value in enumerate([None, b"", b"\xff", b"{", b"{}"]):
        bring(lane, offset, value, topic="kinds")
    intake.work(lane, 0.0)
    kinds = [letter.headers["error_class"] for letter in letters(database, "kinds")]
    assert kinds == ["Tombstone", "EmptyValue", "NotUtf8", "NotJson", "UnknownEvent"]
