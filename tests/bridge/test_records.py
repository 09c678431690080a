"""Reading Kafka's records: our own, another producer's, and whatever else may lie in a topic."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.decide import Record
from bridge.records import NOBODY, Body, KafkaHeaders, Unreadable, read_record
from contracts.dead_letters import origin
from contracts.events import thought_created

USER, THOUGHT = uuid4(), uuid4()
EVENT = thought_created(USER, THOUGHT, "Should I learn Rust this winter?")


WHERE = origin("work", 2, 17, 1_700_000_000_000)


def read(value: bytes | None, headers: KafkaHeaders = ()) -> Record | Unreadable:
    return read_record(WHERE, value, headers, b"key")


def reason(value: bytes | None, headers: KafkaHeaders = ()) -> str:
    found = read(value, headers)
    assert isinstance(found, Unreadable)
    assert (found.record.user_id, found.record.thought_id, found.record.turn) == (NOBODY, NOBODY, None)
    assert found.record.body == Body(value, headers, b"key")
    return found.reason


def changed(**fields: Any) -> bytes:
    return json.dumps(EVENT.to_dict() | fields).encode()


def test_our_own_record_says_whose_thought_it_is_and_its_turn() -> None:
    headers = [("turn", b"44"), ("other", None)]
    found = read(EVENT.to_bytes(), headers)
    assert found == Record(17, USER, THOUGHT, 44, WHERE)
    assert found.body == Body(EVENT.to_bytes(), headers, b"key", EVENT)


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


@pytest.mark.parametrize("name", ["event_id", "event_type", "timestamp", "user_id", "thought_id", "text"][1:])
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


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
any_header = st.tuples(st.sampled_from(["turn", "x"]) | st.text(), st.none() | st.binary(max_size=20))


@given(value=st.none() | st.binary(), headers=st.lists(any_header, max_size=4))
def test_no_bytes_raise(value: bytes | None, headers: list[tuple[str, bytes | None]]) -> None:
    read(value, headers)


@given(fields=st.dictionaries(st.sampled_from(sorted(EVENT.to_dict())), any_json))
def test_no_almost_right_event_raises_and_its_reason_can_be_stored(fields: dict[str, Any]) -> None:
    found = read(changed(**fields))
    if isinstance(found, Unreadable):
        assert "\x00" not in found.reason
        found.reason.encode()


@given(turn=st.integers(1, 2**63 - 1), user=st.uuids(), thought=st.uuids(), words=st.text(min_size=1))
def test_every_event_that_we_write_is_read_as_it_was_meant(turn: int, user: UUID, thought: UUID, words: str) -> None:
    try:
        event = thought_created(user, thought, words)
    except ValueError:
        return  # a text that is never accepted
    found = read(event.to_bytes(), [("turn", str(turn).encode())])
    assert isinstance(found, Record)
    assert (found.user_id, found.thought_id, found.turn, found.body.event.text) == (user, thought, turn, event.text)
