"""Tests of parsing Kafka's records: the project's own, external producers', and any other content of a topic."""

import hashlib
import json
from typing import Any

import pytest

from bridge.kafka.limits import MAX_DEAD_LETTER_VALUE_BYTES, MAX_WORK_BATCH_BYTES
from bridge.records.types import UNKNOWN_ID, InvalidRecord, KafkaHeaders, RawRecord, Record
from contracts.dead_letters import record_failure_id
from tests.bridge.records.parsing import EVENT, KEY, ORIGIN, THOUGHT, USER, event_with, parse, parse_invalid, reason_of


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


@pytest.mark.parametrize("written", ["\u200b", "\u2800", "\u3164\u115f", "\u0301", "\a", " \u202e\n"])
def test_an_invisible_text_of_an_external_producer_is_invalid_and_one_that_was_accepted_before_is_not(
    written: str,
) -> None:
    value = event_with(text=written)
    assert parse_invalid(value) == ("WrongField", "text: the text has no visible character; write at least one")
    accepted_before = parse(value, [("turn", b"44")])
    assert isinstance(accepted_before, Record)
    assert accepted_before.turn == 44


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
