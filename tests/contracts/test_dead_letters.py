"""A dead letter carries the original bytes unchanged, and headers with the documented names."""

import base64
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.dead_letters import (
    MAX_CLASS_LENGTH,
    MAX_MESSAGE_LENGTH,
    MAX_ORIGINAL_HEADERS,
    MAX_STACK_LENGTH,
    corrupt_origin,
    failure_headers,
    kafka_headers,
    origin,
    parse_failure_id,
    read_headers,
    record_failure_id,
)
from contracts.source_headers import capture_headers
from contracts.text import clean
from tests.contracts.properties import any_text, without_deadline

ORIGIN = origin("thought-processing", 2, 41, 1_767_322_000_123)


def test_kafka_headers_uses_the_documented_names() -> None:
    failure = failure_headers(
        reason="transient", error_class="Timeout", message="No answer.", stack="line 1", agent="priority", attempts=4
    )
    assert kafka_headers("an-id:3", failure | {"origin": ORIGIN}) == [
        ("failure-id", b"an-id:3"),
        ("reason", b"transient"),
        ("error-class", b"Timeout"),
        ("error-message", b"No answer."),
        ("error-stack", b"line 1"),
        ("agent", b"priority"),
        ("attempts", b"4"),
        ("original-topic", b"thought-processing"),
        ("original-partition", b"2"),
        ("original-offset", b"41"),
        ("original-timestamp", b"1767322000123"),
    ]


def test_kafka_headers_omits_the_origin_of_a_thought_without_a_record() -> None:
    failure = failure_headers(reason="lost", error_class="Lost", message="Its worker died.")
    names = [name for name, _ in kafka_headers("an-id:1", failure | {"origin": None})]
    assert [name for name in names if name.startswith("original-")] == []


def test_kafka_headers_sends_an_unknown_timestamp_as_null() -> None:
    headers = dict(kafka_headers("an-id", {"origin": origin("topic", 0, 0, None)}))
    assert headers["original-timestamp"] is None


@without_deadline
@given(st.lists(st.tuples(st.text(), st.none() | st.binary())))
def test_kafka_headers_keeps_original_headers_byte_by_byte_in_order_with_duplicates(
    headers: list[tuple[str, bytes | None]],
) -> None:
    failure = capture_headers(None, headers)
    originals = [
        (name, value) for name, value in kafka_headers("an-id", failure) if name.startswith("original-header-")
    ]
    assert originals == [(f"original-header-{clean(name)}", value) for name, value in headers]


def test_capture_headers_encodes_values_as_base64() -> None:
    assert capture_headers(None, [("trace", b"\xff\x00"), ("none", None)])["original_headers"] == [
        ["trace", base64.b64encode(b"\xff\x00").decode()],
        ["none", None],
    ]


@without_deadline
@given(any_text, any_text, any_text)
def test_failure_headers_accepts_any_error(error_class: str, message: str, stack: str) -> None:
    failure = failure_headers(reason="permanent", error_class=error_class, message=message, stack=stack)
    assert failure == clean(failure)
    assert all(value is not None for _, value in kafka_headers("an-id", failure))


def test_failure_headers_cuts_long_texts_and_keeps_the_end_of_the_stack() -> None:
    failure = failure_headers(
        reason="permanent", error_class="c" * 10**5, message="m" * 10**5, stack="s" * 10**5 + "end"
    )
    assert [len(failure[name]) for name in ("error_class", "message", "stack")] == [
        MAX_CLASS_LENGTH,
        MAX_MESSAGE_LENGTH,
        MAX_STACK_LENGTH,
    ]
    assert failure["stack"].endswith("end")


def test_record_failure_id_is_the_same_for_the_same_record() -> None:
    assert record_failure_id(ORIGIN, b"not an event") == record_failure_id(
        dict(reversed(ORIGIN.items())), b"not an event"
    )


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (ORIGIN, b"other bytes"),
        (ORIGIN, None),
        (ORIGIN, b""),
        (ORIGIN | {"offset": 42}, b"not an event"),
        (ORIGIN | {"partition": 1}, b"not an event"),
        (ORIGIN | {"topic": str(uuid4())}, b"not an event"),
        (ORIGIN | {"timestamp": 1}, b"not an event"),
    ],
)
def test_record_failure_id_differs_for_another_record(where: dict[str, object], value: bytes | None) -> None:
    """The timestamp counts too: the offsets of a topic that was deleted and created again start at 0."""
    assert record_failure_id(where, value) != record_failure_id(ORIGIN, b"not an event")


def test_record_failure_id_differs_for_an_undecodable_record_in_a_recreated_topic() -> None:
    first, recreated = (corrupt_origin("topic", 2, 41, topic_id) for topic_id in ("an-id", "another"))
    ids = {record_failure_id(where, None) for where in (first, recreated, origin("topic", 2, 41, None))}
    assert len(ids) == 3


def test_record_failure_id_differs_for_a_tombstone_an_empty_value_and_a_literal_tombstone() -> None:
    ids = {record_failure_id(ORIGIN, value) for value in (None, b"", b"tombstone", b"value")}
    assert len(ids) == 4


any_headers = st.lists(st.tuples(any_text, st.none() | st.binary(max_size=20)), max_size=5)


@without_deadline
@given(any_text, any_text, any_text, st.integers(0, 9), st.none() | st.binary(max_size=20), any_headers)
def test_read_headers_returns_what_kafka_headers_received(
    error_class: str,
    message: str,
    stack: str,
    attempts: int,
    key: bytes | None,
    originals: list[tuple[str, bytes | None]],
) -> None:
    failure = failure_headers(
        reason="lost", error_class=error_class, message=message, stack=stack, agent="priority", attempts=attempts
    )
    with_origin = failure | {"origin": ORIGIN, "user_id": "u", **capture_headers(key, originals)}
    for headers in (failure | {"origin": None}, with_origin):
        assert read_headers(kafka_headers("an-id", headers)) == ("an-id", headers)


@given(
    st.lists(
        st.tuples(
            st.text() | st.sampled_from(["original_headers", "original_key", "origin", "attempts", "original-offset"]),
            st.none() | st.binary(),
        )
    )
)
def test_read_headers_and_kafka_headers_never_raise_for_headers_of_an_external_producer(
    headers: list[tuple[str, bytes | None]],
) -> None:
    result = read_headers([("failure-id", b"an-id"), ("reason", b"theirs"), *headers])
    assert result is None or kafka_headers(*result)


def test_kafka_headers_omits_and_counts_original_headers_beyond_the_maximum() -> None:
    originals = [("x", b"1")] * (MAX_ORIGINAL_HEADERS + 3)
    headers = kafka_headers("an-id", {"reason": "r", **capture_headers(None, originals)})
    assert ("original-headers-left-out", b"3") in headers
    assert len([name for name, _ in headers if name == "original-header-x"]) == MAX_ORIGINAL_HEADERS
    result = read_headers(headers)
    assert result is not None
    assert result[1]["original_headers_left_out"] == 3
    assert kafka_headers(*result) == headers


def test_kafka_headers_also_counts_headers_that_the_index_omits() -> None:
    failure = capture_headers(None, [("x", b"1")] * (MAX_ORIGINAL_HEADERS + 3)) | {"original_headers_left_out": 2}
    assert ("original-headers-left-out", b"5") in kafka_headers("an-id", failure)


def test_parse_failure_id_returns_the_thought_and_the_turn_or_none() -> None:
    thought = uuid4()
    assert parse_failure_id(f"{thought}:7") == (thought, 7)
    for failure_id in (
        record_failure_id(ORIGIN, b""),
        f"{thought}:0",
        f"{thought}",
        f"{thought}:{2**63}",
        f"{thought}:x",
        "",
    ):
        assert parse_failure_id(failure_id) is None
