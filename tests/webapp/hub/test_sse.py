"""Server-sent events in their wire format."""

import json
from uuid import uuid4

import pytest

from tests.event_examples import partial_text
from webapp.hub.sse import Bookmark, Comment, PartialText, StreamMessage, is_user_event, parse_message


def test_no_value_of_a_message_injects_a_field_or_gets_lost() -> None:
    assert str(StreamMessage("a\nb\r\nc\rd", type="x\nid: 1", id="7\ndata: 2")) == (
        "event: x id: 1\ndata: a\ndata: b\ndata: c\ndata: d\nid: 7 data: 2\n\n"
    )
    assert str(StreamMessage("")) == "data: \n\n"
    assert str(StreamMessage("a\u2028b")) == "data: a\u2028b\n\n"
    assert str(StreamMessage({"a": 1}, retry=0, id="")) == 'data: {"a": 1}\nid:\nretry: 0\n\n'
    assert bytes(Comment("one\ntwo", retry=3000)) == b"retry: 3000\n: one two\n"
    assert bytes(Bookmark("1-0")) == b"id: 1-0\n"


@pytest.mark.parametrize("end", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_a_text_with_any_line_end_is_one_line_also_for_clients_that_split_at_all_of_them(end: str) -> None:
    data = {"text": f"one{end}two", f"a{end}": end}
    [line, _] = str(StreamMessage(data)).splitlines()
    assert json.loads(line.removeprefix("data: ")) == data


def test_parse_message_reads_a_published_message_and_rejects_others() -> None:
    message = parse_message(b'{"data": {"a": 1}, "type": "t", "id": "5-1"}')
    assert (message.data, message.type, message.id) == ({"a": 1}, "t", "5-1")
    odd = (b'"type": 1', b'"type": ["t"]', b'"id": 5', b'"id": ["5-1"]', b'"retry": "x"', b'"retry": Infinity')
    wrong_types = [b'{"data": 1, ' + field + b"}" for field in odd]
    for payload in (b"", b"[]", b"{}", b'{"type": "t"}', b"\xff", b"[" * 100_000, *wrong_types):
        with pytest.raises(ValueError):  # noqa: PT011 - JSON's own errors are accepted too
            parse_message(payload)


def test_only_a_message_with_a_thought_is_an_event_of_its_user() -> None:
    user = uuid4()
    data = {"user_id": str(user), "thought_id": str(uuid4()), "timestamp": "2026-11-29T12:00:00Z"}
    odd: list[object] = [data | {"thought_id": thought} for thought in ("x", 5, None, ["x"])]
    for content, is_event in [
        (data, True),
        ({**data, "user_id": str(uuid4())}, False),
        *((item, False) for item in odd),
    ]:
        message = parse_message(json.dumps({"data": content, "type": "thought_created"}))
        assert is_user_event(message, user) == is_event, content


def test_a_partial_text_has_only_its_own_fields_and_never_an_id() -> None:
    progress = partial_text(uuid4(), uuid4(), 2, "a\n\nevent: thought_completed\ndata: {}\n\nid: 9-9\u2028</p>")
    fields = {"data": {**progress.to_dict(), "event_id": str(uuid4())}, "type": progress.event_type, "id": "9-9"}
    message = parse_message(json.dumps(fields))
    assert isinstance(message, PartialText)
    name, data, *rest = bytes(message).decode().split("\n")
    assert (name, rest) == ("event: thought_agent_progress", ["", ""])
    assert json.loads(data.removeprefix("data: ")) == progress.to_dict()
    assert bytes(message) is bytes(message), "it is encoded once for all streams"
    for invalid in ("text", {"text": "x"}, {**progress.to_dict(), "agent_number": "x"}):
        with pytest.raises(ValueError):  # noqa: PT011 - pydantic's own error is accepted too
            parse_message(json.dumps({"data": invalid, "type": progress.event_type}))
