"""The parts that need no server: the wire format, the memory of a stream, places, cursors, readable outputs."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts import events
from contracts.settings import load_settings
from tests.event_examples import agent_completed
from webapp import cursors
from webapp.hub.connection_limit import ConnectionLimiter
from webapp.hub.sse import Bookmark, Comment, StreamMessage, parse_message
from webapp.hub.subscription import QUEUE_SIZE, ControlMessage, Subscription
from webapp.ids import form_key, keyed_id, new_id
from webapp.pages.agent_output import describe_output
from webapp.pages.view_models import duration
from webapp.pages.wait_notice import next_batch_time
from webapp.stream.history import History, ResumePointTracker, parse_stream_id
from webapp.stream.sent_events import MAX_EVENTS, SentEvents

USER, THOUGHT = uuid4(), uuid4()


def test_a_message_cannot_add_fields_or_vanish() -> None:
    assert str(StreamMessage("a\nb\r\nc\rd", type="x\nid: 1", id="7\ndata: 2")) == (
        "event: x id: 1\ndata: a\ndata: b\ndata: c\ndata: d\nid: 7 data: 2\n\n"
    )
    assert str(StreamMessage("")) == "data: \n\n"
    assert str(StreamMessage("a\u2028b")) == "data: a\u2028b\n\n"
    assert str(StreamMessage({"a": 1}, retry=0, id="")) == 'data: {"a": 1}\nid:\nretry: 0\n\n'
    assert bytes(Comment("one\ntwo", retry=3000)) == b"retry: 3000\n: one two\n\n"
    assert bytes(Bookmark("1-0")) == b"id: 1-0\n\n"


def test_a_published_message_is_read_back() -> None:
    message = parse_message(b'{"data": {"a": 1}, "type": "t", "id": "5-1"}')
    assert (message.data, message.type, message.id) == ({"a": 1}, "t", "5-1")
    for unreadable in (b"", b"[]", b"{}", b'{"type": "t"}', b"\xff"):
        with pytest.raises(ValueError):  # noqa: PT011 - JSON's own errors are welcome too
            parse_message(unreadable)


def story() -> list[dict[str, Any]]:
    return [
        event.to_dict()
        for event in (
            events.thought_created(USER, THOUGHT, "text"),
            events.thought_processing(USER, THOUGHT, 1),
            *(agent_completed(USER, THOUGHT, step) for step in range(1, 6)),
            events.thought_completed(USER, THOUGHT, 1.0),
        )
    ]


def test_a_story_in_order_has_no_gaps_and_is_known_afterwards() -> None:
    told = SentEvents()
    for number, event in enumerate(story(), start=1):
        assert not told.contains(event)
        assert not told.has_gap_before(event)
        told.add(event)
        assert told.contains(event)
        assert told.open_thoughts == ([] if number == 8 else [THOUGHT])


def test_every_missing_event_is_noticed_by_the_next() -> None:
    whole = story()
    for missing in range(len(whole) - 1):
        told = SentEvents()
        for event in whole[:missing]:
            told.add(event)
        assert told.has_gap_before(whole[missing + 1]), whole[missing]["event_type"]


def test_before_a_failure_is_always_looked() -> None:
    failed = events.thought_failed(USER, THOUGHT, 1, agent="analysis", message="m", attempts=4).to_dict()
    told = SentEvents()
    told.add(story()[0])
    assert told.has_gap_before(failed)
    told.add(failed)
    assert told.open_thoughts == []


def test_the_memory_of_a_stream_is_bounded() -> None:
    told = SentEvents()
    first, *_, last = [events.thought_created(USER, uuid4(), "x").to_dict() for _ in range(MAX_EVENTS + 1)]
    for event in [
        first,
        *(events.thought_created(USER, uuid4(), "x").to_dict() for _ in range(MAX_EVENTS)),
        last,
    ]:
        told.add(event)
    assert not told.contains(first)
    assert told.contains(last)
    assert len(told.open_thoughts) < MAX_EVENTS


def test_what_is_no_event_of_ours_is_neither_known_nor_a_gap() -> None:
    told = SentEvents()
    for data in (
        {},
        {"event_type": "thought_completed", "thought_id": 5},
        {"event_type": "thought_failed", "thought_id": 5},
        {"event_type": "x", "thought_id": str(THOUGHT)},
    ):
        told.add(data)
        assert not told.has_gap_before(data)
    assert told.open_thoughts == []


def test_places_are_compared_as_numbers() -> None:
    nine, ten = parse_stream_id("9-0"), parse_stream_id("10-0")
    assert nine is not None
    assert ten is not None
    assert nine < ten
    assert [parse_stream_id(text) for text in (None, "", "5", "a-b", "5-0 ", "-1-0", "$")] == [None] * 7


def kept(*ids: str) -> History:
    return History(tuple(StreamMessage({"event_id": f"e{place}"}, id=place) for place in ids))


def test_only_a_place_within_what_is_kept_can_be_continued() -> None:
    assert [kept("9-0", "10-0").can_continue(place) for place in ((8, 9), (9, 0), (9, 5), (10, 0), (10, 1))] == [
        False, True, True, True, False,
    ]  # fmt: skip
    assert not kept().can_continue((9, 0))
    assert [message.id for message in kept("9-0", "9-1", "10-0").after((9, 0))] == ["9-1", "10-0"]
    assert [message.id for message in kept("9-0", "9-1", "10-0").up_to((9, 1))] == ["9-0", "9-1"]


def test_a_reader_may_claim_only_places_before_which_everything_was_told() -> None:
    frontier = ResumePointTracker(kept("1-0", "2-0", "3-0", "4-0"), {"e1-0", "e3-0", "e4-0"})
    assert frontier.advance("e3-0") is None
    assert frontier.advance("e1-0") == "3-0"
    assert frontier.advance("unrelated") is None
    assert frontier.advance("e4-0") == "4-0"


def test_a_queue_that_overflows_closes_its_stream() -> None:
    subscription = Subscription("c")
    for _ in range(QUEUE_SIZE):
        subscription.offer(StreamMessage("x"))
    assert isinstance(subscription.next_message(0), StreamMessage)
    subscription.offer(StreamMessage("x"))
    subscription.offer(StreamMessage("one too many"))
    assert subscription.next_message(0) is ControlMessage.END


@pytest.mark.parametrize("is_in_time", [True, False])
def test_an_acknowledgement_after_the_stream_has_begun_is_a_gap(*, is_in_time: bool) -> None:
    subscription = Subscription("c")
    if is_in_time:
        subscription.confirm()
    subscription.wait_until_confirmed(0.0)
    assert subscription.next_message(0.0) is None
    subscription.confirm()
    assert subscription.next_message(0.0) is ControlMessage.GAP
    assert subscription.next_message(0.0) is None


def test_seats_are_limited_in_all_and_for_each_user() -> None:
    seats, other = ConnectionLimiter(3, 2), uuid4()
    assert [seats.try_acquire(USER) for _ in range(3)] == [True, True, False]
    assert [seats.try_acquire(other) for _ in range(2)] == [True, False]
    seats.release(USER)
    assert (seats.open_connections, seats.try_acquire(other), seats.try_acquire(USER)) == (2, True, False)


def test_new_ids_are_uuids_of_version_7_in_the_order_of_time() -> None:
    before = datetime.now(UTC).timestamp() * 1000
    ids = [new_id() for _ in range(100)]
    after = datetime.now(UTC).timestamp() * 1000
    assert len(set(ids)) == 100
    assert {(made.version, made.variant) for made in ids} == {(7, UUID(int=0x8000 << 48).variant)}
    assert all(int(before) <= made.int >> 80 <= int(after) for made in ids)


def test_keys_make_the_same_id_for_the_same_user_only() -> None:
    assert keyed_id(USER, "k") == keyed_id(USER, "k") != keyed_id(USER, "l")
    assert keyed_id(USER, "k") != keyed_id(THOUGHT, "k")
    assert form_key("n", "a") == form_key("n", "a") != form_key("n", "b")


def test_a_cursor_leads_back_to_its_place() -> None:
    place = (datetime(2026, 11, 23, 15, 20, 11, 123456, tzinfo=UTC), THOUGHT)
    assert cursors.decode(cursors.encode(place)) == place
    for broken in ("", "x", "\u2028", "bm90IGEgY3Vyc29y", cursors.encode(place)[:-4]):
        with pytest.raises(ValueError, match="not one of ours"):
            cursors.decode(broken)


def test_an_output_is_read_in_the_order_of_its_model_and_the_verdict_first() -> None:
    output = {
        "complexity": "simple", "type": "idea", "urgency": "soon", "emotional_tone": "curious",
        "implied_needs": ["time", "a longer need that does not fit into a small tag"],
        "entities": {"places": [], "people": ["Mara"], "dates": [], "topics": []},
    }  # fmt: skip
    items = describe_output("classification", output)
    assert [item.label for item in items] == [
        "Type", "Urgency", "Entities", "Emotional tone", "Implied needs", "Complexity",
    ]  # fmt: skip
    assert [item.kind for item in items] == ["text", "text", "group", "text", "lines", "text"]
    assert [(item.label, item.kind) for item in items[2].items] == [
        ("People", "tags"), ("Dates", "empty"), ("Places", "empty"), ("Topics", "empty"),
    ]  # fmt: skip
    assert [item.lead for item in describe_output("priority", {"risk": "x", "final_recommendation": "do"})] == [
        True,
        False,
    ]


def test_what_was_not_assessed_says_so_and_claims_no_confidence() -> None:
    [value] = describe_output(
        "value_impact", {"legacy_value": {"score": None, "reasoning": "Not assessed.", "confidence": 0}}
    )
    assert [(item.label, item.kind) for item in value.items] == [("Score", "absent"), ("Reasoning", "absent")]
    [scored] = describe_output("value_impact", {"x": {"score": 7, "confidence": 0.5}})
    assert [item.text for item in scored.items] == ["7 of 10", "50%"]


def test_durations_come_in_the_unit_that_suits_them() -> None:
    assert [duration(seconds) for seconds in (0.0042, 1.25, 59.94, 61.5)] == ["4 ms", "1.2 s", "59.9 s", "1 min 1 s"]


@pytest.mark.parametrize(
    ("line", "when"),
    [
        ("30 2 * * *", "on 28 March at 03:30 (Europe/Berlin)"),  # in the hour that summer time leaves out
        ("0 2 * * mon-fri", "on 29 March at 02:00 (Europe/Berlin)"),
        ("0 0 13 * fri", "on 13 August at 00:00 (Europe/Berlin)"),  # both, as for beat; cron would take either
        ("0 2 * * nobody", "when somebody asks for it"),
    ],
)
def test_the_next_batch_is_told_as_beat_reckons_it(line: str, when: str) -> None:
    nowhere = {"database_url": "postgresql://x/x", "redis_url": "redis://x", "kafka_enabled": False}
    settings = load_settings(_env_file=None, **nowhere, batch_schedule=line, timezone="Europe/Berlin")
    assert next_batch_time(settings, datetime(2027, 3, 28, 0, 30, tzinfo=UTC)) == when
