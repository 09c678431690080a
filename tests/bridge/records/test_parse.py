"""Tests of parsing Kafka's records: the project's own, external producers', and any other content of a topic."""

import hashlib
import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.kafka.topics import MAX_DEAD_LETTER_VALUE_BYTES, MAX_WORK_BATCH_BYTES
from bridge.records.parse import parse_record
from bridge.records.types import UNKNOWN_ID, InvalidRecord, KafkaHeaders, RawRecord, Record
from contracts.dead_letters import origin, record_failure_id
from contracts.events import parse_created, thought_created
from tests.contracts.properties import any_json, any_text, without_deadline

USER, THOUGHT = UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), UUID("b1ffcd00-0d1c-4f09-8c7e-7cc0ce491b22")
"""Constants, because the parallel processes of a test run must generate the same test ids."""
EVENT = thought_created(USER, THOUGHT, "Should I learn Rust this winter?")


ORIGIN = origin("work", 2, 17, 1_700_000_000_000)


KEY = str(USER).encode()


def parse(value: bytes | None, headers: KafkaHeaders = (), key: bytes | None = KEY) -> Record | InvalidRecord:
    return parse_record(ORIGIN, value, headers, key)


def parse_invalid(value: bytes | None, headers: KafkaHeaders = (), key: bytes | None = KEY) -> tuple[str, str]:
    """Check that a record is invalid and kept completely, and return the kind and the reason."""
    result = parse(value, headers, key)
    assert isinstance(result, InvalidRecord)
    assert result.record.turn is None
    raw = result.record.raw
    assert raw == RawRecord(value, [*headers], key, raw.error_kind, failure_id=record_failure_id(ORIGIN, value))
    return raw.error_kind, result.reason


def reason_of(value: bytes | None, headers: KafkaHeaders = ()) -> str:
    kind, reason = parse_invalid(value, headers)
    assert kind
    return reason


def event_with(**fields: Any) -> bytes:
    """Return the event's JSON with some fields replaced or added."""
    return json.dumps(EVENT.to_dict() | fields).encode()


def test_a_record_of_the_relay_has_its_user_thought_and_turn() -> None:
    headers = [("turn", b"44"), ("other", None)]
    record = parse(EVENT.to_bytes(), headers)
    assert record == Record(17, USER, THOUGHT, 44, ORIGIN)
    assert record.raw == RawRecord(EVENT.to_bytes(), headers, KEY)
    assert record.size > len(EVENT.to_bytes()) + len(KEY) + len(b"44")


def test_a_record_of_an_external_producer_has_no_turn() -> None:
    record = parse(EVENT.to_bytes(), [("trace", b"abc")])
    assert isinstance(record, Record)
    assert record.turn is None


def test_the_last_of_several_turn_headers_is_used() -> None:
    record = parse(EVENT.to_bytes(), [("turn", b"1"), ("turn", b"2")])
    assert isinstance(record, Record)
    assert record.turn == 2


@pytest.mark.parametrize(
    "turn",
    [None, b"", b"x", b"1.5", b"0", b"-1", b"\xff", b"9223372036854775808", b"9" * 5000, b"NaN", b"0x10", b"\x00"],
)
def test_a_record_with_an_invalid_turn_is_invalid(turn: bytes | None) -> None:
    assert "turn" in reason_of(EVENT.to_bytes(), [("turn", turn)])


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"null",
        b"[]",
        b"17",
        b'"text"',
        b"{}",
        b"{",
        b"\xff\xfe",
        b"\x00",
        b"NaN",
        b"[" * 100_000,
        b'{"event_type": ' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"event_type": ' + b"9" * 5000 + b"}",
        b'{"event_type": {"a": 1e999}}',
        b'{"event_type": null}',
        "{}".encode("utf-16"),
        b"\xef\xbb\xbf{}",
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_value_that_is_not_an_event_is_invalid(value: bytes | None) -> None:
    assert reason_of(value)


@pytest.mark.parametrize(
    "fields",
    [
        {"event_type": "thought_completed"},
        {"event_type": 5},
        {"version": 2},
        {"version": 10**4000},
        {"user_id": "me"},
        {"user_id": None},
        {"thought_id": 17},
        {"timestamp": "yesterday"},
        {"timestamp": "2026-01-01T00:00:00"},
        {"text": ""},
        {"text": "  \n "},
        {"text": "x" * 10_001},
        {"text": "a\x00b"},
        {"text": "\ud800"},
        {"text": ["a"]},
        {"event_id": "-"},
    ],
    ids=lambda fields: repr(fields)[:32],
)
def test_an_event_with_an_invalid_field_is_invalid(fields: dict[str, Any]) -> None:
    assert reason_of(event_with(**fields))


@pytest.mark.parametrize("name", ["event_id", "event_type", "timestamp", "user_id", "thought_id", "text"])
def test_an_event_without_a_field_is_invalid_unless_the_field_is_the_timestamp(name: str) -> None:
    fields = EVENT.to_dict()
    del fields[name]
    result = parse(json.dumps(fields).encode())
    assert isinstance(result, Record) == (name == "timestamp")


def test_unknown_fields_are_ignored() -> None:
    assert isinstance(parse(event_with(mood="curious", event_source={"deep": [1, 2]})), Record)


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\x00" * 36])
def test_the_reason_never_contains_nul_characters(text: str) -> None:
    for name in ("user_id", "thought_id", "event_id", "timestamp", "version"):
        assert "\x00" not in reason_of(event_with(**{name: text}))


any_header = st.tuples(st.sampled_from(["turn", "x"]) | st.text(), st.none() | st.binary(max_size=20))


any_headers = st.lists(any_header, max_size=4)
any_key = st.none() | st.binary(max_size=40) | st.just(KEY)


def is_complete(
    result: Record | InvalidRecord, value: bytes | None, headers: KafkaHeaders = (), key: bytes | None = KEY
) -> bool:
    """Return whether a result keeps value, headers and key unchanged, and has a reason that PostgreSQL can store."""
    record = result.record if isinstance(result, InvalidRecord) else result
    reason = f"{result.reason}{record.raw.error_kind}" if isinstance(result, InvalidRecord) else ""
    reason.encode()
    kept = (record.raw.value, [*record.raw.headers], record.raw.key)
    return kept == (value, [*headers], key) and "\x00" not in reason


@without_deadline
@given(value=st.none() | st.binary(), headers=any_headers, key=any_key)
def test_random_bytes_are_invalid_and_kept_completely(
    value: bytes | None, headers: list[tuple[str, bytes | None]], key: bytes | None
) -> None:
    result = parse(value, headers, key)
    assert isinstance(result, InvalidRecord)
    assert is_complete(result, value, headers, key)


@without_deadline
@given(headers=any_headers, key=any_key)
def test_a_valid_event_with_any_headers_and_key_is_kept_completely(
    headers: list[tuple[str, bytes | None]], key: bytes | None
) -> None:
    value = EVENT.to_bytes()
    result = parse(value, headers, key)
    assert is_complete(result, value, headers, key)
    assert isinstance(result, Record) <= (key == KEY)


@without_deadline
@given(
    position=st.integers(0, len(EVENT.to_bytes())),
    removed=st.integers(0, 3),
    inserted=st.binary(max_size=3),
    times=st.integers(1, 2),
)
def test_an_event_with_some_bytes_changed_is_kept_completely(
    position: int, removed: int, inserted: bytes, times: int
) -> None:
    value = EVENT.to_bytes()
    for _ in range(times):
        value = value[:position] + inserted + value[position + removed :]
    assert is_complete(parse(value), value)


@without_deadline
@given(fields=st.dictionaries(st.sampled_from(sorted(EVENT.to_dict())) | any_text, any_json))
def test_an_event_with_random_fields_never_raises_and_is_kept_completely(fields: dict[str, Any]) -> None:
    value = event_with(**fields)
    assert is_complete(parse(value), value)


KINDS = {
    "Tombstone": None,
    "EmptyValue": b"",
    "NotUtf8": b"\xff\xfe{}",
    "NotJson": b"{",
    "UnknownEvent": event_with(event_type="thought_completed"),
    "WrongVersion": event_with(version=2),
    "WrongField": event_with(text=7),
    "TooLarge": event_with(filler="x" * 1_000_000),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_invalid_value_has_its_name(kind: str) -> None:
    assert parse_invalid(KINDS[kind])[0] == kind


@pytest.mark.parametrize("key", [None, b""])
def test_a_record_without_a_key_is_invalid(key: bytes | None) -> None:
    assert parse_invalid(EVENT.to_bytes(), (), key) == (
        "NoKey",
        "the record has no key; it must be the event's user_id",
    )


@pytest.mark.parametrize("key", [b"\xff", b"me", KEY[:-1], KEY + b"0", str(THOUGHT).encode(), b"\xef\xbc\x91" * 32])
def test_a_record_with_another_key_than_the_events_user_is_invalid(key: bytes) -> None:
    assert parse_invalid(EVENT.to_bytes(), (), key)[0] == "WrongKey"


@pytest.mark.parametrize("key", [KEY, KEY.upper(), USER.hex.encode()])
def test_a_key_may_be_any_spelling_of_the_uuid(key: bytes) -> None:
    assert isinstance(parse(EVENT.to_bytes(), (), key), Record)


def test_headers_count_towards_the_size() -> None:
    assert parse_invalid(EVENT.to_bytes(), [("", None)] * 70_000)[0] == "TooLarge"
    assert isinstance(parse(EVENT.to_bytes(), [("", None)] * 50_000), Record)


@pytest.mark.parametrize(
    ("fields", "headers", "key"),
    [
        ({}, [], None),
        ({}, [("turn", b"soon")], KEY),
        ({"version": 2}, [], KEY),
        ({"text": 7}, [], KEY),
        ({"filler": "x" * 1_000_000}, [], KEY),
    ],
    ids=["NoKey", "WrongTurn", "WrongVersion", "WrongType", "TooLarge"],
)
def test_an_invalid_event_keeps_the_user_and_thought_that_it_claims(
    fields: dict[str, Any], headers: KafkaHeaders, key: bytes | None
) -> None:
    result = parse(event_with(**fields), headers, key)
    assert isinstance(result, InvalidRecord)
    assert (result.record.user_id, result.record.thought_id) == (EVENT.user_id, EVENT.thought_id)


@pytest.mark.parametrize(
    "value",
    [None, b"", b"{", b"[]", b"\xff", b'{"user_id": 1, "thought_id": 2}', b'{"user_id": "me", "thought_id": "mine"}'],
)
def test_an_invalid_record_that_claims_no_user_and_thought_has_the_ids_of_nobody(value: bytes | None) -> None:
    result = parse(value)
    assert isinstance(result, InvalidRecord)
    assert (result.record.user_id, result.record.thought_id) == (UNKNOWN_ID, UNKNOWN_ID)


def test_a_value_that_is_too_large_for_a_dead_letter_is_left_out_and_identified_by_its_digest() -> None:
    value, headers = b"x" * (MAX_DEAD_LETTER_VALUE_BYTES + 1), [("trace", b"abc")]
    result = parse(value, headers)
    assert isinstance(result, InvalidRecord)
    raw, digest = result.record.raw, hashlib.sha256(value).hexdigest()
    assert (raw.error_kind, raw.value, raw.headers, raw.key) == ("TooLarge", None, headers, KEY)
    assert raw.value_left_out == f"{len(value)} bytes, SHA-256 {digest}"
    assert raw.failure_id == record_failure_id(ORIGIN, value)
    assert result.record.size < 1_000


@pytest.mark.parametrize("large_index", [0, 1, 2])
def test_a_header_that_is_too_large_for_a_dead_letter_is_left_out_and_the_others_are_kept(large_index: int) -> None:
    headers = [(f"number {number}", b"x" * (2_000_000 if number == large_index else 10)) for number in range(3)]
    result = parse(EVENT.to_bytes(), headers)
    assert isinstance(result, InvalidRecord)
    raw = result.record.raw
    assert (raw.error_kind, raw.value, raw.value_left_out, raw.headers_left_out) == (
        "TooLarge",
        EVENT.to_bytes(),
        "",
        1,
    )
    assert raw.headers == [pair for number, pair in enumerate(headers) if number != large_index]


def test_the_largest_value_and_all_headers_of_the_largest_batch_are_kept_completely() -> None:
    value, headers = b"x" * MAX_DEAD_LETTER_VALUE_BYTES, [("", None)] * (MAX_WORK_BATCH_BYTES // 2 - len(KEY))
    result = parse(value, headers)
    assert isinstance(result, InvalidRecord)
    assert (result.record.raw.value, result.record.raw.value_left_out) == (value, "")
    assert (result.record.raw.key, result.record.raw.headers_left_out) == (KEY, 0)


@given(turn=st.integers(1, 2**63 - 1), user=st.uuids(), thought=st.uuids(), text=st.text(min_size=1))
def test_every_event_of_the_relay_is_parsed_unchanged(turn: int, user: UUID, thought: UUID, text: str) -> None:
    try:
        event = thought_created(user, thought, text)
    except ValueError:
        return  # a text that is never accepted
    record = parse(event.to_bytes(), [("turn", str(turn).encode())], str(user).encode())
    assert isinstance(record, Record)
    assert (record.user_id, record.thought_id, record.turn) == (user, thought, turn)
    assert parse_created(record.raw.value).text == event.text
