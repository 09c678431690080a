"""An external producer's key and headers are restored unchanged, except for the header `turn`, which is ours."""

from hypothesis import given
from hypothesis import strategies as st

from contracts.source_headers import capture_source, restore_headers, restore_key
from contracts.text import clean
from tests.contracts.properties import any_text, without_deadline


@without_deadline
@given(st.none() | st.binary(), st.lists(st.tuples(any_text, st.none() | st.binary())))
def test_key_and_headers_are_restored_byte_by_byte(key: bytes | None, headers: list[tuple[str, bytes | None]]) -> None:
    stored = capture_source(key, headers)
    assert restore_key(stored) == key
    assert restore_headers(stored, None) == [(clean(name), value) for name, value in headers]


def test_restore_headers_replaces_an_external_turn_header_by_ours() -> None:
    stored = capture_source(b"key", [("turn", b"99"), ("traceparent", b"00-aa"), ("turn", None)])
    assert restore_headers(stored, 3) == [("turn", b"3"), ("traceparent", b"00-aa")]


def test_restore_headers_returns_only_the_turn_of_our_own_thoughts() -> None:
    assert (restore_headers({}, 3), restore_headers({}, None), restore_key({})) == ([("turn", b"3")], [], None)


def test_capture_source_lists_tracing_headers_only_if_there_are_any() -> None:
    stored = capture_source(None, [("x", b"1"), ("TraceParent", b"00-aa"), ("baggage", None), ("tracestate", b"s")])
    assert [name for name, _ in stored["tracing"]] == ["TraceParent", "tracestate"]
    assert "tracing" not in capture_source(None, [("x", b"1")])
