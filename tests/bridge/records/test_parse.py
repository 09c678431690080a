"""Reading Kafka's records: our own, another producer's, and whatever else may lie in a topic."""

import hashlib
import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.kafka.topics import MAX_DEAD_LETTER_VALUE_BYTES, MAX_WORK_BATCH_BYTES
from bridge.records.parse import parse_record
from bridge.records.types import NOBODY, InvalidRecord, KafkaHeaders, RawRecord, Record
from contracts.dead_letters import origin, record_failure_id
from contracts.events import parse_created, thought_created
from tests.contracts.properties import any_json, any_text, unhurried

USER, THOUGHT = UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), UUID("b1ffcd00-0d1c-4f09-8c7e-7cc0ce491b22")
"""Constants: the parallel processes of a run must name the cases of a test alike."""
EVENT = thought_created(USER, THOUGHT, "Should I learn Rust this winter?")


WHERE = origin("work", 2, 17, 1_700_000_000_000)


KEY = str(USER).encode()


def read(value: bytes | None, headers: KafkaHeaders = (), key: bytes | None = KEY) -> Record | InvalidRecord:
    return parse_record(WHERE, value, headers, key)


def refused(value: bytes | None, headers: KafkaHeaders = (), key: bytes | None = KEY) -> tuple[str, str]:
    """Kind and reason of a record that cannot be read and is intact."""
    found = read(value, headers, key)
    assert isinstance(found, InvalidRecord)
    assert found.record.turn is None
    body = found.record.raw
    assert body == RawRecord(value, [*headers], key, body.error_kind, failure_id=record_failure_id(WHERE, value))
    return body.error_kind, found.reason


def reason(value: bytes | None, headers: KafkaHeaders = ()) -> str:
    kind, words = refused(value, headers)
    assert kind
    return words


def changed(**fields: Any) -> bytes:
    return json.dumps(EVENT.to_dict() | fields).encode()


def test_our_own_record_says_whose_thought_it_is_and_its_turn() -> None:
    headers = [("turn", b"44"), ("other", None)]
    found = read(EVENT.to_bytes(), headers)
    assert found == Record(17, USER, THOUGHT, 44, WHERE)
    assert found.raw == RawRecord(EVENT.to_bytes(), headers, KEY)
    assert found.size > len(EVENT.to_bytes()) + len(KEY) + len(b"44")


def test_another_producers_event_has_no_turn() -> None:
    found = read(EVENT.to_bytes(), [("trace", b"abc")])
    assert isinstance(found, Record)
    assert found.turn is None


def test_the_last_of_several_turn_headers_counts() -> None:
    found = read(EVENT.to_bytes(), [("turn", b"1"), ("turn", b"2")])
    assert isinstance(found, Record)
    assert found.turn == 2


@pytest.mark.parametrize(
    "turn",
    [None, b"", b"x", b"1.5", b"0", b"-1", b"\xff", b"9223372036854775808", b"9" * 5000, b"NaN", b"0x10", b"\x00"],
)
def test_a_turn_that_is_no_turn_makes_a_record_unreadable(turn: bytes | None) -> None:
    assert "turn" in reason(EVENT.to_bytes(), [("turn", turn)])


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
def test_what_is_no_event_is_unreadable(value: bytes | None) -> None:
    assert reason(value)


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
def test_an_event_with_a_wrong_field_is_unreadable(fields: dict[str, Any]) -> None:
    assert reason(changed(**fields))


@pytest.mark.parametrize("name", ["event_id", "event_type", "timestamp", "user_id", "thought_id", "text"])
def test_an_event_that_lacks_a_field_is_unreadable_unless_the_field_can_be_told(name: str) -> None:
    fields = EVENT.to_dict()
    del fields[name]
    found = read(json.dumps(fields).encode())
    assert isinstance(found, Record) == (name == "timestamp")


def test_fields_we_do_not_know_are_no_reason_to_refuse() -> None:
    assert isinstance(read(changed(mood="curious", event_source={"deep": [1, 2]})), Record)


@pytest.mark.parametrize("spoiled", ["\x00", "a\x00b", "\x00" * 36])
def test_the_reason_can_be_stored_whatever_the_bytes_were(spoiled: str) -> None:
    for name in ("user_id", "thought_id", "event_id", "timestamp", "version"):
        assert "\x00" not in reason(changed(**{name: spoiled}))


any_header = st.tuples(st.sampled_from(["turn", "x"]) | st.text(), st.none() | st.binary(max_size=20))


any_headers = st.lists(any_header, max_size=4)
any_key = st.none() | st.binary(max_size=40) | st.just(KEY)


def is_whole(
    found: Record | InvalidRecord, value: bytes | None, headers: KafkaHeaders = (), key: bytes | None = KEY
) -> bool:
    """Whether it is one of the two outcomes, with everything as it came, and says nothing that cannot be stored."""
    record = found.record if isinstance(found, InvalidRecord) else found
    words = f"{found.reason}{record.raw.error_kind}" if isinstance(found, InvalidRecord) else ""
    words.encode()
    body = (record.raw.value, [*record.raw.headers], record.raw.key)
    return body == (value, [*headers], key) and "\x00" not in words


@unhurried
@given(value=st.none() | st.binary(), headers=any_headers, key=any_key)
def test_random_bytes_are_no_event_and_stay_whole(
    value: bytes | None, headers: list[tuple[str, bytes | None]], key: bytes | None
) -> None:
    found = read(value, headers, key)
    assert isinstance(found, InvalidRecord)
    assert is_whole(found, value, headers, key)


@unhurried
@given(headers=any_headers, key=any_key)
def test_a_good_event_with_any_headers_and_key_is_read_or_stays_whole(
    headers: list[tuple[str, bytes | None]], key: bytes | None
) -> None:
    value = EVENT.to_bytes()
    found = read(value, headers, key)
    assert is_whole(found, value, headers, key)
    assert isinstance(found, Record) <= (key == KEY)


@unhurried
@given(
    at=st.integers(0, len(EVENT.to_bytes())), cut=st.integers(0, 3), put=st.binary(max_size=3), times=st.integers(1, 2)
)
def test_an_event_with_some_bytes_changed_is_read_or_stays_whole(at: int, cut: int, put: bytes, times: int) -> None:
    value = EVENT.to_bytes()
    for _ in range(times):
        value = value[:at] + put + value[at + cut :]
    assert is_whole(read(value), value)


@unhurried
@given(fields=st.dictionaries(st.sampled_from(sorted(EVENT.to_dict())) | any_text, any_json))
def test_no_almost_right_event_raises_and_its_reason_can_be_stored(fields: dict[str, Any]) -> None:
    value = changed(**fields)
    assert is_whole(read(value), value)


KINDS = {
    "Tombstone": None,
    "EmptyValue": b"",
    "NotUtf8": b"\xff\xfe{}",
    "NotJson": b"{",
    "UnknownEvent": changed(event_type="thought_completed"),
    "WrongVersion": changed(version=2),
    "WrongField": changed(text=7),
    "TooLarge": changed(filler="x" * 1_000_000),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_bad_value_has_its_name(kind: str) -> None:
    assert refused(KINDS[kind])[0] == kind


@pytest.mark.parametrize("key", [None, b""])
def test_a_record_without_a_key_is_unreadable(key: bytes | None) -> None:
    assert refused(EVENT.to_bytes(), (), key) == ("NoKey", "the record has no key; it must be the event's user_id")


@pytest.mark.parametrize("key", [b"\xff", b"me", KEY[:-1], KEY + b"0", str(THOUGHT).encode(), b"\xef\xbc\x91" * 32])
def test_a_key_that_is_not_the_events_user_makes_a_record_unreadable(key: bytes) -> None:
    assert refused(EVENT.to_bytes(), (), key)[0] == "WrongKey"


@pytest.mark.parametrize("key", [KEY, KEY.upper(), USER.hex.encode()])
def test_a_key_may_be_written_as_any_uuid(key: bytes) -> None:
    assert isinstance(read(EVENT.to_bytes(), (), key), Record)


def test_headers_count_for_the_size_too() -> None:
    assert refused(EVENT.to_bytes(), [("", None)] * 70_000)[0] == "TooLarge"
    assert isinstance(read(EVENT.to_bytes(), [("", None)] * 50_000), Record)


@pytest.mark.parametrize(
    ("changed", "headers", "key"),
    [
        ({}, [], None),
        ({}, [("turn", b"soon")], KEY),
        ({"version": 2}, [], KEY),
        ({"text": 7}, [], KEY),
        ({"filler": "x" * 1_000_000}, [], KEY),
    ],
    ids=["NoKey", "WrongTurn", "WrongVersion", "WrongType", "TooLarge"],
)
def test_a_refused_event_says_whose_it_is(changed: dict[str, Any], headers: KafkaHeaders, key: bytes | None) -> None:
    found = read(json.dumps(EVENT.to_dict() | changed).encode(), headers, key)
    assert isinstance(found, InvalidRecord)
    assert (found.record.user_id, found.record.thought_id) == (EVENT.user_id, EVENT.thought_id)


@pytest.mark.parametrize(
    "value",
    [None, b"", b"{", b"[]", b"\xff", b'{"user_id": 1, "thought_id": 2}', b'{"user_id": "me", "thought_id": "mine"}'],
)
def test_what_does_not_say_whose_it_is_is_nobodys(value: bytes | None) -> None:
    found = read(value)
    assert isinstance(found, InvalidRecord)
    assert (found.record.user_id, found.record.thought_id) == (NOBODY, NOBODY)


def test_a_value_that_fits_into_no_dead_letter_is_left_out_and_can_be_known_again() -> None:
    value, headers = b"x" * (MAX_DEAD_LETTER_VALUE_BYTES + 1), [("trace", b"abc")]
    found = read(value, headers)
    assert isinstance(found, InvalidRecord)
    body, digest = found.record.raw, hashlib.sha256(value).hexdigest()
    assert (body.error_kind, body.value, body.headers, body.key) == ("TooLarge", None, headers, KEY)
    assert body.value_left_out == f"{len(value)} bytes, SHA-256 {digest}"
    assert body.failure_id == record_failure_id(WHERE, value)
    assert found.record.size < 1_000


@pytest.mark.parametrize("large", [0, 1, 2])
def test_of_headers_that_fit_into_no_dead_letter_the_others_are_kept(large: int) -> None:
    headers = [(f"number {number}", b"x" * (2_000_000 if number == large else 10)) for number in range(3)]
    found = read(EVENT.to_bytes(), headers)
    assert isinstance(found, InvalidRecord)
    body = found.record.raw
    assert (body.error_kind, body.value, body.value_left_out, body.headers_left_out) == (
        "TooLarge",
        EVENT.to_bytes(),
        "",
        1,
    )
    assert body.headers == [pair for number, pair in enumerate(headers) if number != large]


def test_the_largest_value_and_all_headers_of_the_largest_batch_are_kept_whole() -> None:
    value, headers = b"x" * MAX_DEAD_LETTER_VALUE_BYTES, [("", None)] * (MAX_WORK_BATCH_BYTES // 2 - len(KEY))
    found = read(value, headers)
    assert isinstance(found, InvalidRecord)
    assert (found.record.raw.value, found.record.raw.value_left_out) == (value, "")
    assert (found.record.raw.key, found.record.raw.headers_left_out) == (KEY, 0)


@given(turn=st.integers(1, 2**63 - 1), user=st.uuids(), thought=st.uuids(), words=st.text(min_size=1))
def test_every_event_that_we_write_is_read_as_it_was_meant(turn: int, user: UUID, thought: UUID, words: str) -> None:
    try:
        event = thought_created(user, thought, words)
    except ValueError:
        return  # a text that is never accepted
    found = read(event.to_bytes(), [("turn", str(turn).encode())], str(user).encode())
    assert isinstance(found, Record)
    assert (found.user_id, found.thought_id, found.turn) == (user, thought, turn)
    assert parse_created(found.raw.value).text == event.text
