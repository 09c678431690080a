"""A dead letter carries the original bytes untouched, and headers under the names that others read."""

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
from tests.contracts.properties import any_text, unhurried

WHERE = origin("thought-processing", 2, 41, 1_767_322_000_123)


def test_the_headers_have_the_names_that_others_read() -> None:
    told = failure_headers(
        reason="transient", error_class="Timeout", message="No answer.", stack="line 1", agent="priority", attempts=4
    )
    assert kafka_headers("an-id:3", told | {"origin": WHERE}) == [
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


def test_a_thought_that_no_record_rang_for_says_nothing_of_where_it_stood() -> None:
    told = failure_headers(reason="lost", error_class="Lost", message="Its worker died.")
    names = [name for name, _ in kafka_headers("an-id:1", told | {"origin": None})]
    assert [name for name in names if name.startswith("original-")] == []


def test_what_is_not_known_is_empty_and_not_the_word_none() -> None:
    headers = dict(kafka_headers("an-id", {"origin": origin("topic", 0, 0, None)}))
    assert headers["original-timestamp"] is None


@unhurried
@given(st.lists(st.tuples(st.text(), st.none() | st.binary())))
def test_the_original_headers_come_back_byte_by_byte_in_order_with_repeats(
    headers: list[tuple[str, bytes | None]],
) -> None:
    kept = capture_headers(None, headers)
    told = [(name, value) for name, value in kafka_headers("an-id", kept) if name.startswith("original-header-")]
    assert told == [(f"original-header-{clean(name)}", value) for name, value in headers]


def test_bytes_that_are_no_text_are_kept_as_base64() -> None:
    assert capture_headers(None, [("trace", b"\xff\x00"), ("none", None)])["original_headers"] == [
        ["trace", base64.b64encode(b"\xff\x00").decode()],
        ["none", None],
    ]


@unhurried
@given(any_text, any_text, any_text)
def test_any_error_can_be_kept_and_sent(error_class: str, message: str, stack: str) -> None:
    told = failure_headers(reason="permanent", error_class=error_class, message=message, stack=stack)
    assert told == clean(told)
    assert all(value is not None for _, value in kafka_headers("an-id", told))


def test_long_texts_are_cut_and_of_the_stack_the_end_is_kept() -> None:
    told = failure_headers(reason="permanent", error_class="c" * 10**5, message="m" * 10**5, stack="s" * 10**5 + "end")
    assert [len(told[name]) for name in ("error_class", "message", "stack")] == [
        MAX_CLASS_LENGTH,
        MAX_MESSAGE_LENGTH,
        MAX_STACK_LENGTH,
    ]
    assert told["stack"].endswith("end")


def test_who_reads_a_bad_record_again_finds_the_same_id() -> None:
    assert record_failure_id(WHERE, b"not an event") == record_failure_id(
        dict(reversed(WHERE.items())), b"not an event"
    )


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (WHERE, b"other bytes"),
        (WHERE, None),
        (WHERE, b""),
        (WHERE | {"offset": 42}, b"not an event"),
        (WHERE | {"partition": 1}, b"not an event"),
        (WHERE | {"topic": str(uuid4())}, b"not an event"),
        (WHERE | {"timestamp": 1}, b"not an event"),
    ],
)
def test_another_record_has_another_id(where: dict[str, object], value: bytes | None) -> None:
    """The timestamp too: a topic that was made anew counts its offsets from 0 again."""
    assert record_failure_id(where, value) != record_failure_id(WHERE, b"not an event")


def test_a_record_that_cannot_be_read_is_told_from_one_in_the_same_place_of_a_topic_made_anew() -> None:
    first, anew = (corrupt_origin("topic", 2, 41, topic_id) for topic_id in ("an-id", "another"))
    ids = {record_failure_id(where, None) for where in (first, anew, origin("topic", 2, 41, None))}
    assert len(ids) == 3


def test_a_tombstone_is_told_from_an_empty_value_and_from_the_word() -> None:
    ids = {record_failure_id(WHERE, value) for value in (None, b"", b"tombstone", b"value")}
    assert len(ids) == 4


any_headers = st.lists(st.tuples(any_text, st.none() | st.binary(max_size=20)), max_size=5)


@unhurried
@given(any_text, any_text, any_text, st.integers(0, 9), st.none() | st.binary(max_size=20), any_headers)
def test_who_reads_a_dead_letters_headers_has_what_the_index_has(
    error_class: str, message: str, stack: str, attempts: int, key: bytes | None, theirs: list[tuple[str, bytes | None]]
) -> None:
    told = failure_headers(
        reason="lost", error_class=error_class, message=message, stack=stack, agent="priority", attempts=attempts
    )
    for kept in (told | {"origin": None}, told | {"origin": WHERE, "user_id": "u", **capture_headers(key, theirs)}):
        assert read_headers(kafka_headers("an-id", kept)) == ("an-id", kept)


@given(
    st.lists(
        st.tuples(
            st.text() | st.sampled_from(["original_headers", "original_key", "origin", "attempts", "original-offset"]),
            st.none() | st.binary(),
        )
    )
)
def test_no_headers_of_others_raise_when_they_are_read_or_told_again(headers: list[tuple[str, bytes | None]]) -> None:
    found = read_headers([("failure-id", b"an-id"), ("reason", b"theirs"), *headers])
    assert found is None or kafka_headers(*found)


def test_after_so_many_original_headers_the_rest_is_counted() -> None:
    told = kafka_headers("an-id", {"reason": "r", **capture_headers(None, [("x", b"1")] * (MAX_ORIGINAL_HEADERS + 3))})
    assert ("original-headers-left-out", b"3") in told
    assert len([name for name, _ in told if name == "original-header-x"]) == MAX_ORIGINAL_HEADERS
    found = read_headers(told)
    assert found is not None
    assert found[1]["original_headers_left_out"] == 3
    assert kafka_headers(*found) == told


def test_headers_that_are_kept_nowhere_are_counted_as_well() -> None:
    kept = capture_headers(None, [("x", b"1")] * (MAX_ORIGINAL_HEADERS + 3)) | {"original_headers_left_out": 2}
    assert ("original-headers-left-out", b"5") in kafka_headers("an-id", kept)


def test_a_failure_id_tells_the_thought_and_the_turn_or_is_a_records() -> None:
    thought = uuid4()
    assert parse_failure_id(f"{thought}:7") == (thought, 7)
    for other in (
        record_failure_id(WHERE, b""),
        f"{thought}:0",
        f"{thought}",
        f"{thought}:{2**63}",
        f"{thought}:x",
        "",
    ):
        assert parse_failure_id(other) is None
