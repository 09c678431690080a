"""The events that a stream has sent: duplicates and gaps."""

from typing import Any
from uuid import uuid4

from contracts import events
from tests.event_examples import agent_completed
from webapp.stream.sent_events import MAX_EVENTS, SentEvents

USER, THOUGHT = uuid4(), uuid4()


def all_events() -> list[dict[str, Any]]:
    """All events of a thought, in order."""
    return [
        event.to_dict()
        for event in (
            events.thought_created(USER, THOUGHT, "text"),
            events.thought_processing(USER, THOUGHT, 1),
            *(agent_completed(USER, THOUGHT, step) for step in range(1, 6)),
            events.thought_completed(USER, THOUGHT, 1.0),
        )
    ]


def test_events_in_order_have_no_gaps_and_are_contained_afterwards() -> None:
    sent = SentEvents()
    for number, event in enumerate(all_events(), start=1):
        assert not sent.contains(event)
        assert not sent.has_gap_before(event)
        sent.add(event)
        assert sent.contains(event)
        assert sent.open_thoughts == ([] if number == 8 else [THOUGHT])


def test_the_event_after_a_missing_one_has_a_gap_before_it() -> None:
    expected = all_events()
    for missing in range(len(expected) - 1):
        sent = SentEvents()
        for event in expected[:missing]:
            sent.add(event)
        assert sent.has_gap_before(expected[missing + 1]), expected[missing]["event_type"]


def test_a_failure_always_has_a_possible_gap_before_it() -> None:
    failed = events.thought_failed(
        USER, THOUGHT, 1, agent="analysis", kind="transient", message="m", attempts=4
    ).to_dict()
    sent = SentEvents()
    sent.add(all_events()[0])
    assert sent.has_gap_before(failed)
    sent.add(failed)
    assert sent.open_thoughts == []


def test_an_agent_is_open_from_the_start_of_the_processing_until_its_result_was_sent() -> None:
    sent, open_agents = SentEvents(), []
    for event in all_events():
        sent.add(event)
        open_agents.append([number for number in range(1, 6) if sent.is_open_at(THOUGHT, number)])
    assert open_agents == [[], [1, 2, 3, 4, 5], [2, 3, 4, 5], [3, 4, 5], [4, 5], [5], [], []]
    sent.add(
        events.thought_failed(USER, THOUGHT, 1, agent="analysis", kind="transient", message="m", attempts=4).to_dict()
    )
    assert not sent.is_open_at(THOUGHT, 2)
    sent.add(events.thought_processing(USER, THOUGHT, 2).to_dict())
    assert sent.is_open_at(THOUGHT, 2), "the thought was replayed"
    assert not sent.is_open_at(uuid4(), 1)


def test_the_size_is_bounded() -> None:
    sent = SentEvents()
    first, *_, last = [events.thought_created(USER, uuid4(), "x").to_dict() for _ in range(MAX_EVENTS + 1)]
    for event in [
        first,
        *(events.thought_created(USER, uuid4(), "x").to_dict() for _ in range(MAX_EVENTS)),
        last,
    ]:
        sent.add(event)
    assert not sent.contains(first)
    assert sent.contains(last)
    assert len(sent.open_thoughts) < MAX_EVENTS


def test_a_message_that_is_no_event_of_a_thought_is_ignored() -> None:
    sent = SentEvents()
    for data in (
        {},
        {"event_type": "thought_completed", "thought_id": 5},
        {"event_type": "thought_failed", "thought_id": 5},
        {"event_type": "x", "thought_id": str(THOUGHT)},
    ):
        sent.add(data)
        assert not sent.has_gap_before(data)
    assert sent.open_thoughts == []
