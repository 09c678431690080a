"""Server-sent events in their wire format."""

import pytest

from webapp.hub.sse import Bookmark, Comment, StreamMessage, parse_message


def test_no_value_of_a_message_injects_a_field_or_gets_lost() -> None:
    assert str(StreamMessage("a\nb\r\nc\rd", type="x\nid: 1", id="7\ndata: 2")) == (
        "event: x id: 1\ndata: a\ndata: b\ndata: c\ndata: d\nid: 7 data: 2\n\n"
    )
    assert str(StreamMessage("")) == "data: \n\n"
    assert str(StreamMessage("a\u2028b")) == "data: a\u2028b\n\n"
    assert str(StreamMessage({"a": 1}, retry=0, id="")) == 'data: {"a": 1}\nid:\nretry: 0\n\n'
    assert bytes(Comment("one\ntwo", retry=3000)) == b"retry: 3000\n: one two\n\n"
    assert bytes(Bookmark("1-0")) == b"id: 1-0\n\n"


def test_parse_message_reads_a_published_message_and_rejects_others() -> None:
    message = parse_message(b'{"data": {"a": 1}, "type": "t", "id": "5-1"}')
    assert (message.data, message.type, message.id) == ({"a": 1}, "t", "5-1")
    for payload in (b"", b"[]", b"{}", b'{"type": "t"}', b"\xff"):
        with pytest.raises(ValueError):  # noqa: PT011 - JSON's own errors are accepted too
            parse_message(payload)
