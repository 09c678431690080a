"""Tests ingestion on a real PostgreSQL: external events become thoughts, all other records complete dead letters."""

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
from tests.bridge.dead_letter_rows import delete_thought
from tests.bridge.ingesting import add_to_lane, dead_letters_from, make_ingestion
from tests.bridge.thoughts import add_thought, add_user, thought_row
from tests.eventually import eventually
from tests.stores import Stores, temporary_database

BINARY = b"\x00\xff\xfe not UTF-8 \x80"


@pytest.fixture(scope="module")
def database_url(stores: Stores, template: str) -> Iterator[str]:
    with temporary_database(stores, template) as url:
        yield url


@pytest.fixture
def ingestion(settings: Settings, database: Database) -> Ingestion:
    return make_ingestion(database, settings)


@pytest.fixture
def lane() -> Lane:
    return Lane(0, 20.0)


def test_an_external_event_is_accepted_with_its_own_bytes_and_without_an_outbox_row(
    ingestion: Ingestion, lane: Lane, database: Database, user_id: UUID
) -> None:
    thought = uuid4()
    value = json.dumps(
        thought_created(user_id, thought, "From afar").to_dict() | {"mood": "curious"}, indent=3
    ).encode()
    add_to_lane(lane, 0, value)
    ingestion.work(lane, 0.0)
    row = thought_row(database, thought)
    assert (bytes(row.event), row.text, row.turn, row.emitted_at) == (value, "From afar", 1, None)
    assert database.rows(text("SELECT FROM outbox WHERE key = :key"), key=str(user_id)) == []
    (request,) = lane.due_requests(0.0)
    assert request.records[0].turn == 1


def test_external_events_are_accepted_in_the_order_of_the_log(
    ingestion: Ingestion, lane: Lane, database: Database, user_id: UUID
) -> None:
    thoughts = [uuid4() for _ in range(8)]
    for offset, thought in enumerate(thoughts):
        add_to_lane(lane, offset, thought_created(user_id, thought, "One of many").to_bytes())
    ingestion.work(lane, 0.0)
    assert [thought_row(database, thought).turn for thought in thoughts] == list(range(1, 9))


def test_an_event_that_arrives_twice_becomes_one_thought(
    ingestion: Ingestion, lane: Lane, database: Database, user_id: UUID
) -> None:
    value = thought_created(user_id, uuid4(), "Said twice").to_bytes()
    add_to_lane(lane, 0, value)
    add_to_lane(lane, 1, value)
    ingestion.work(lane, 0.0)
    assert database.rows(text("SELECT count(*) FROM thoughts WHERE user_id = :u"), u=user_id)[0][0] == 1
    (request,) = lane.due_requests(0.0)
    assert [record.turn for record in request.records] == [1, 1]


def test_an_accepted_external_event_is_published_to_the_web_once(
    ingestion: Ingestion, lane: Lane, settings: Settings, user_id: UUID, redis_client: redis.Redis
) -> None:
    value = thought_created(user_id, uuid4(), "Seen live").to_bytes()
    add_to_lane(lane, 0, value)
    add_to_lane(lane, 1, value)
    with redis_client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe(channel(settings.redis_prefix, user_id))
        listener.get_message(timeout=5)
        ingestion.work(lane, 0.0)
        message = eventually(lambda: listener.get_message(timeout=1))
        assert json.loads(message["data"])["type"] == "thought_created"
        assert listener.get_message() is None


def test_the_dead_letter_of_an_unreadable_record_keeps_its_bytes_and_headers(
    ingestion: Ingestion, lane: Lane, database: Database, settings: Settings
) -> None:
    add_to_lane(lane, 0, BINARY, [("trace", BINARY), ("empty", None), ("trace", b"again")], topic="intact")
    ingestion.work(lane, 0.0)
    assert (lane.frontier, lane.is_idle) == (1, True)
    (dead_letter,) = dead_letters_from(database, "intact")
    assert (bytes(dead_letter.value), dead_letter.state, dead_letter.thought_id) == (BINARY, "open", None)
    assert dead_letter.headers["origin"] == {
        "topic": "intact",
        "partition": 0,
        "offset": 0,
        "timestamp": 1_700_000_000_000,
    }
    assert base64.b64decode(dead_letter.headers["original_key"]) == b"its \xff key"
    original_headers = dead_letter.headers["original_headers"]
    decoded = [[name, value and base64.b64decode(value)] for name, value in original_headers]
    assert decoded == [["trace", BINARY], ["empty", None], ["trace", b"again"]]
    (outbox_row,) = database.rows(text("SELECT * FROM outbox WHERE failure_id = :id"), id=dead_letter.failure_id)
    assert (outbox_row.topic, bytes(outbox_row.value)) == (settings.kafka_dead_letter_topic, BINARY)


def test_a_tombstone_becomes_a_dead_letter_without_a_value(
    ingestion: Ingestion, lane: Lane, database: Database
) -> None:
    add_to_lane(lane, 0, None, topic="tombstone")
    ingestion.work(lane, 0.0)
    assert [dead_letter.value for dead_letter in dead_letters_from(database, "tombstone")] == [None]


def test_the_dead_letter_of_a_corrupt_record_names_its_offset_and_topic_id(
    ingestion: Ingestion, lane: Lane, database: Database
) -> None:
    origin = corrupt_origin("damaged", 0, 7, "id-of-the-topic")
    corrupt = corrupt_record(origin, "it does not decompress")
    lane.add_invalid(corrupt.record, corrupt.message)
    ingestion.work(lane, 0.0)
    (dead_letter,) = dead_letters_from(database, "damaged")
    assert (dead_letter.value, dead_letter.headers["origin"], lane.frontier) == (None, origin, 8)
    kafka_values = dict(kafka_headers(dead_letter.failure_id, dead_letter.headers))
    assert (kafka_values["reason"], kafka_values["error-class"]) == (b"unreadable", b"Undecodable")
    assert (kafka_values["original-value-left-out"], kafka_values["error-message"]) == (
        b"undecodable",
        b"it does not decompress",
    )
    assert (kafka_values["original-topic-id"], kafka_values["original-timestamp"]) == (b"id-of-the-topic", None)
    assert read_headers(kafka_values.items()) == (dead_letter.failure_id, dead_letter.headers)


def test_reading_an_unreadable_record_twice_adds_one_dead_letter(ingestion: Ingestion, database: Database) -> None:
    for _ in range(2):
        lane = Lane(0, 20.0)
        add_to_lane(lane, 3, BINARY, topic="twice")
        ingestion.work(lane, 0.0)
    (dead_letter,) = dead_letters_from(database, "twice")
    assert len(database.rows(text("SELECT FROM outbox WHERE failure_id = :id"), id=dead_letter.failure_id)) == 1


def test_equal_unreadable_records_at_two_offsets_become_two_dead_letters(
    ingestion: Ingestion, lane: Lane, database: Database
) -> None:
    add_to_lane(lane, 0, BINARY, topic="equal")
    add_to_lane(lane, 1, BINARY, topic="equal")
    ingestion.work(lane, 0.0)
    assert len(dead_letters_from(database, "equal")) == 2


def test_events_of_an_unknown_user_or_with_another_users_thought_become_dead_letters(
    ingestion: Ingestion, lane: Lane, database: Database, user_id: UUID
) -> None:
    others_thought = add_thought(database, add_user(database))
    add_to_lane(lane, 0, thought_created(uuid4(), uuid4(), "Who am I?").to_bytes(), topic="nobody")
    add_to_lane(lane, 1, thought_created(user_id, others_thought, "Mine?").to_bytes(), topic="nobody")
    ingestion.work(lane, 0.0)
    assert [dead_letter.reason for dead_letter in dead_letters_from(database, "nobody")] == [
        "unknown-user",
        "contradicts",
    ]
    assert lane.is_idle


def test_an_event_with_an_invalid_text_becomes_a_dead_letter_with_its_bytes(
    ingestion: Ingestion, lane: Lane, database: Database, user_id: UUID
) -> None:
    value = json.dumps(thought_created(user_id, uuid4(), "x").to_dict() | {"text": "a\x00b"}).encode()
    add_to_lane(lane, 0, value, topic="refused")
    ingestion.work(lane, 0.0)
    assert [bytes(dead_letter.value) for dead_letter in dead_letters_from(database, "refused")] == [value]


@pytest.mark.parametrize("name", ["user_id", "thought_id", "event_type", "timestamp", "version"])
def test_a_nul_anywhere_in_an_event_does_not_stop_the_lane(
    ingestion: Ingestion, lane: Lane, database: Database, user_id: UUID, name: str
) -> None:
    value = json.dumps(thought_created(user_id, uuid4(), "x").to_dict() | {name: "\x00"}).encode()
    add_to_lane(lane, 0, value, [("a\x00\ud800", b"\x00")], topic=f"nul-{name}")
    ingestion.work(lane, 0.0)
    assert lane.is_idle
    assert [bytes(dead_letter.value) for dead_letter in dead_letters_from(database, f"nul-{name}")] == [value]


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.none() | st.binary(max_size=200),
    headers=st.lists(st.tuples(st.text(max_size=8), st.none() | st.binary(max_size=30)), max_size=3),
)
def test_no_record_stops_the_lane(
    ingestion: Ingestion, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    lane = Lane(0, 20.0)
    add_to_lane(lane, 0, value, headers, topic="any")
    ingestion.work(lane, 0.0)
    assert lane.is_idle


def test_an_external_producers_thought_keeps_the_records_key_and_headers(
    ingestion: Ingestion, lane: Lane, database: Database, user_id: UUID
) -> None:
    thought = uuid4()
    headers = [("traceparent", b"00-aa"), ("x", b"\xff"), ("x", None), ("Baggage", b"b=1"), ("tracestate", None)]
    add_to_lane(lane, 0, thought_created(user_id, thought, "Traced").to_bytes(), headers)
    ingestion.work(lane, 0.0)
    stored_headers = thought_row(database, thought).headers
    assert restore_key(stored_headers) == str(user_id).encode()
    assert restore_headers(stored_headers, None) == headers
    assert [name for name, _ in stored_headers["tracing"]] == ["traceparent", "Baggage"]


def test_an_old_record_does_not_restore_a_deleted_thought(
    ingestion: Ingestion, lane: Lane, database: Database, user_id: UUID
) -> None:
    thought = uuid4()
    value = thought_created(user_id, thought, "Gone").to_bytes()
    add_to_lane(lane, 0, value)
    ingestion.work(lane, 0.0)
    delete_thought(database, thought)
    before = thought_row(database, thought)
    for offset in (1, 2):
        add_to_lane(lane, offset, value, [("turn", b"1")] if offset == 2 else (), topic="deleted")
    ingestion.work(lane, 0.0)
    for _ in range(2):
        for request in lane.due_requests(0.0):
            for decision in decide(database, [request]):
                lane.decided(decision, 0.0)
    assert lane.is_idle
    assert thought_row(database, thought) == before
    assert dead_letters_from(database, "deleted") == []


def test_an_event_with_a_known_id_and_another_text_becomes_a_dead_letter(
    ingestion: Ingestion, lane: Lane, database: Database, user_id: UUID
) -> None:
    thought = uuid4()
    add_to_lane(lane, 0, thought_created(user_id, thought, "First").to_bytes(), topic="other-text")
    add_to_lane(lane, 1, thought_created(user_id, thought, "Second").to_bytes(), topic="other-text")
    ingestion.work(lane, 0.0)
    (dead_letter,) = dead_letters_from(database, "other-text")
    assert (dead_letter.reason, dead_letter.headers["error_class"]) == ("contradicts", "OtherThought")
    assert (dead_letter.headers["user_id"], dead_letter.headers["thought_id"]) == (str(user_id), str(thought))
    assert thought_row(database, thought).text == "First"


def test_each_kind_of_unreadable_record_has_its_own_error_class(
    ingestion: Ingestion, lane: Lane, database: Database
) -> None:
    for offset, value in enumerate([None, b"", b"\xff", b"{", b"{}"]):
        add_to_lane(lane, offset, value, topic="kinds")
    ingestion.work(lane, 0.0)
    error_classes = [dead_letter.headers["error_class"] for dead_letter in dead_letters_from(database, "kinds")]
    assert error_classes == ["Tombstone", "EmptyValue", "NotUtf8", "NotJson", "UnknownEvent"]
