"""Events say the same on both ends of the wire, and anything else is refused in words."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agents.catalogue import CATALOGUE
from contracts.events import (
    Event,
    InvalidEventError,
    ThoughtAgentCompleted,
    ThoughtCompleted,
    ThoughtCreated,
    ThoughtFailed,
    ThoughtProcessing,
    event_id,
    parse_created,
    thought_completed,
    thought_created,
    thought_failed,
    thought_processing,
)
from tests.contracts.properties import any_json, unhurried
from tests.event_examples import agent_completed

USER, THOUGHT = UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), UUID("0190a7b2-0000-7000-8000-000000000001")

VALID: dict[str, Any] = {
    "event_id": str(uuid4()),
    "event_type": "thought_created",
    "timestamp": "2026-01-02T03:04:05Z",
    "user_id": str(USER),
    "thought_id": str(THOUGHT),
    "text": "Should I learn Rust this winter?",
}


def encoded(**changes: Any) -> bytes:
    """A valid event's JSON with these changes."""
    return json.dumps(VALID | changes).encode()


def every_event() -> list[Event]:
    return [
        thought_created(USER, THOUGHT, "A thought"),
        thought_processing(USER, THOUGHT, 1),
        *(agent_completed(USER, THOUGHT, step) for step in range(1, len(CATALOGUE.names) + 1)),
        thought_completed(USER, THOUGHT, 1.5),
        thought_failed(USER, THOUGHT, 1, agent="priority", message="It failed.", attempts=4),
    ]


@pytest.mark.parametrize("event", every_event(), ids=lambda event: event.event_type)
def test_an_event_comes_back_from_the_wire_as_it_was(event: Event) -> None:
    assert type(event).model_validate_json(event.to_bytes()) == event
    assert json.loads(event.to_bytes()) == event.to_dict()


@pytest.mark.parametrize("event", every_event(), ids=lambda event: event.event_type)
def test_an_event_says_what_and_whose_it_is_and_when_in_utc(event: Event) -> None:
    told = event.to_dict()
    assert (told["version"], told["user_id"], told["thought_id"]) == (1, str(USER), str(THOUGHT))
    assert event.timestamp.utcoffset() == timedelta(0)
    assert told["timestamp"].endswith("Z")


def test_the_five_types_have_the_fields_that_readers_rely_on() -> None:
    own = {
        kind.model_fields["event_type"].default: set(kind.model_fields) - set(Event.model_fields)
        for kind in (ThoughtCreated, ThoughtProcessing, ThoughtAgentCompleted, ThoughtCompleted, ThoughtFailed)
    }
    assert own == {
        "thought_created": {"text"},
        "thought_processing": {"message"},
        "thought_agent_completed": {"agent_name", "agent_number", "total_agents", "progress"},
        "thought_completed": {"processing_time_seconds"},
        "thought_failed": {"error_message", "retry_count", "agent"},
    }


@pytest.mark.parametrize(("step", "name"), list(enumerate(CATALOGUE.names, 1)))
def test_a_saved_step_shows_how_far_the_thought_is(step: int, name: str) -> None:
    event = agent_completed(USER, THOUGHT, step)
    assert (event.agent_name, event.agent_number, event.total_agents, event.progress) == (name, step, 5, f"{step}/5")


@pytest.mark.parametrize(("attempts", "retries"), [(4, 3), (1, 0), (0, 0)])
def test_retries_are_the_calls_after_the_first(attempts: int, retries: int) -> None:
    assert thought_failed(USER, THOUGHT, 1, agent="a", message="m", attempts=attempts).retry_count == retries


def test_the_same_fact_told_twice_has_the_same_id() -> None:
    assert [event.event_id for event in every_event()] == [event.event_id for event in every_event()]


def test_different_facts_have_different_ids() -> None:
    ids = [event.event_id for event in every_event()]
    assert len(set(ids)) == len(ids)


def test_what_happens_again_after_a_replay_is_another_fact() -> None:
    first, again = (thought_processing(USER, THOUGHT, turn).event_id for turn in (1, 2))
    assert first != again


def test_the_ids_stay_the_same_over_releases() -> None:
    """A record that was published by an older release must be recognised when it comes again."""
    assert event_id(THOUGHT, "thought_created") == UUID("58ffdc73-330d-5bbf-a2dd-5b58e3545d6f")


def test_an_event_cannot_be_changed() -> None:
    event: Any = thought_created(USER, THOUGHT, "A thought")
    with pytest.raises(ValidationError):
        event.text = "another"


def test_another_producers_event_is_read_and_more_fields_do_no_harm() -> None:
    event = parse_created(encoded(colour="blue", text="  spaces around  "))
    assert (event.user_id, event.thought_id, event.text) == (USER, THOUGHT, "spaces around")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "the record has no value"),
        (b"", "event: "),
        (b"\xff\xfe", "event: "),
        (b"[]", "event: "),
        (encoded(timestamp="2026-01-02T03:04:05"), "timestamp: Input should have timezone info"),
        (encoded(text="a NUL \x00 inside"), "text: Value error, the text has a NUL"),
        (encoded(text="   "), "text: Value error, the text is empty"),
        (encoded(text="x" * 10_001), "text: Value error, the text has 10,001 characters"),
        (encoded(text=7), "text: "),
        (encoded(user_id="somebody"), "user_id: "),
        (encoded(event_type="thought_deleted"), "event_type: "),
        (encoded(version=2), "version: "),
        (json.dumps({"text": "alone"}).encode(), "event_id: Field required"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_field_and_the_reason(value: bytes | None, said: str) -> None:
    with pytest.raises(InvalidEventError) as refused:
        parse_created(value)
    assert str(refused.value).startswith(said)


def test_a_refusal_does_not_quote_what_was_written() -> None:
    with pytest.raises(InvalidEventError) as refused:
        parse_created(encoded(user_id="my-secret-diary", text="my-secret-diary"))
    assert "diary" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_an_event_that_cannot_be_made_does_not_quote_it_either() -> None:
    with pytest.raises(ValidationError) as refused:
        thought_created(USER, THOUGHT, "my secret diary \x00")
    assert "diary" not in str(refused.value)


def reads_or_refuses(value: bytes) -> None:
    """Any other exception would stop the bridge at this record for ever."""
    try:
        event = parse_created(value)
    except InvalidEventError:
        return
    assert ThoughtCreated.model_validate_json(event.to_bytes()) == event


@unhurried
@given(st.binary())
def test_any_bytes_are_read_or_refused(value: bytes) -> None:
    reads_or_refuses(value)


@unhurried
@given(st.dictionaries(st.sampled_from(sorted(VALID)), any_json), st.sets(st.sampled_from(sorted(VALID))))
def test_any_json_in_the_place_of_any_field_is_read_or_refused(changes: dict[str, Any], without: set[str]) -> None:
    fields = {name: value for name, value in (VALID | changes).items() if name not in without}
    reads_or_refuses(json.dumps(fields).encode())


@unhurried
@given(st.datetimes(timezones=st.timezones()), st.text(min_size=1))
def test_any_time_and_text_are_read_or_refused(when: datetime, text: str) -> None:
    reads_or_refuses(encoded(timestamp=when.isoformat(), text=text))


def test_an_event_of_ours_is_made_now() -> None:
    before = datetime.now(UTC)
    made = thought_created(USER, THOUGHT, "A thought").timestamp
    assert before <= made <= datetime.now(UTC)
