"""Another producer's key and headers come back as they were, and our turn among them."""

from hypothesis import given
from hypothesis import strategies as st

from contracts.source_headers import capture_source, restore_headers, restore_key
from contracts.text import clean
from tests.contracts.properties import any_text, unhurried


@unhurried
@given(st.none() | st.binary(), st.lists(st.tuples(any_text, st.none() | st.binary())))
def test_key_and_headers_come_back_byte_by_byte(key: bytes | None, headers: list[tuple[str, bytes | None]]) -> None:
    kept = capture_source(key, headers)
    assert restore_key(kept) == key
    assert restore_headers(kept, None) == [(clean(name), value) for name, value in headers]


def test_a_record_that_is_emitted_again_has_our_turn_and_not_theirs() -> None:
    kept = capture_source(b"key", [("turn", b"99"), ("traceparent", b"00-aa"), ("turn", None)])
    assert restore_headers(kept, 3) == [("turn", b"3"), ("traceparent", b"00-aa")]


def test_of_our_own_thoughts_the_turn_is_all() -> None:
    assert (restore_headers({}, 3), restore_headers({}, None), restore_key({})) == ([("turn", b"3")], [], None)


def test_tracing_headers_are_told_apart_and_are_not_there_without_any() -> None:
    kept = capture_source(None, [("x", b"1"), ("TraceParent", b"00-aa"), ("baggage", None), ("tracestate", b"s")])
    assert [name for name, _ in kept["tracing"]] == ["TraceParent", "tracestate"]
    assert "tracing" not in capture_source(None, [("x", b"1")])
