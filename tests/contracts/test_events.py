"""Events are the same after a round trip, and anything else is rejected with the reason."""

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
from tests.contracts.properties import any_json, without_deadline
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


def event_json(**changes: Any) -> bytes:
    """Return a valid event's JSON with these changes."""
    return json.dumps(VALID | changes).encode()


def all_events() -> list[Event]:
    return [
        thought_created(USER, THOUGHT, "A thought"),
        thought_processing(USER, THOUGHT, 1),
        *(agent_completed(USER, THOUGHT, step) for step in range(1, len(CATALOGUE.names) + 1)),
        thought_completed(USER, THOUGHT, 1.5),
        thought_failed(USER, THOUGHT, 1, agent="priority", kind="lost", message="It failed.", attempts=4),
    ]


@pytest.mark.parametrize("event", all_events(), ids=lambda event: event.event_type)
def test_an_event_is_unchanged_after_a_round_trip(event: Event) -> None:
    assert type(event).model_validate_json(event.to_bytes()) == event
    assert json.loads(event.to_bytes()) == event.to_dict()


@pytest.mark.parametrize("event", all_events(), ids=lambda event: event.event_type)
def test_an_event_contains_its_version_its_ids_and_a_timestamp_in_utc(event: Event) -> None:
    fields = event.to_dict()
    assert (fields["version"], fields["user_id"], fields["thought_id"]) == (1, str(USER), str(THOUGHT))
    assert event.timestamp.utcoffset() == timedelta(0)
    assert fields["timestamp"].endswith("Z")


def test_the_five_types_have_the_documented_fields() -> None:
    own_fields = {
        model.model_fields["event_type"].default: set(model.model_fields) - set(Event.model_fields)
        for model in (ThoughtCreated, ThoughtProcessing, ThoughtAgentCompleted, ThoughtCompleted, ThoughtFailed)
    }
    assert own_fields == {
        "thought_created": {"text"},
        "thought_processing": {"message"},
        "thought_agent_completed": {"agent_name", "agent_number", "total_agents", "progress"},
        "thought_completed": {"processing_time_seconds"},
        "thought_failed": {"error_message", "retry_count", "agent", "error_kind"},
    }


@pytest.mark.parametrize(("step", "name"), list(enumerate(CATALOGUE.names, 1)))
def test_agent_completed_reports_the_progress(step: int, name: str) -> None:
    event = agent_completed(USER, THOUGHT, step)
    assert (event.agent_name, event.agent_number, event.total_agents, event.progress) == (name, step, 5, f"{step}/5")


@pytest.mark.parametrize(("attempts", "retries"), [(4, 3), (1, 0), (0, 0)])
def test_the_retry_count_excludes_the_first_call(attempts: int, retries: int) -> None:
    assert (
        thought_failed(USER, THOUGHT, 1, agent="a", kind="lost", message="m", attempts=attempts).retry_count == retries
    )


def test_the_same_fact_has_the_same_event_id() -> None:
    assert [event.event_id for event in all_events()] == [event.event_id for event in all_events()]


def test_different_facts_have_different_event_ids() -> None:
    ids = [event.event_id for event in all_events()]
    assert len(set(ids)) == len(ids)


def test_an_event_that_recurs_after_a_replay_has_another_id() -> None:
    first, replayed = (thought_processing(USER, THOUGHT, turn).event_id for turn in (1, 2))
    assert first != replayed


def test_event_ids_do_not_change_between_releases() -> None:
    """A record that an older release published must be recognised as a duplicate."""
    assert event_id(THOUGHT, "thought_created") == UUID("58ffdc73-330d-5bbf-a2dd-5b58e3545d6f")


def test_an_event_is_immutable() -> None:
    event: Any = thought_created(USER, THOUGHT, "A thought")
    with pytest.raises(ValidationError):
        event.text = "another"


def test_parse_created_ignores_unknown_fields_of_an_external_producer() -> None:
    event = parse_created(event_json(colour="blue", text="  spaces around  "))
    assert (event.user_id, event.thought_id, event.text) == (USER, THOUGHT, "spaces around")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "the record has no value"),
        (b"", "event: "),
        (b"\xff\xfe", "event: "),
        (b"[]", "event: "),
        (event_json(timestamp="2026-01-02T03:04:05"), "timestamp: Input should have timezone info"),
        (event_json(text="a NUL \x00 inside"), "text: the text contains a NUL"),
        (event_json(text="   "), "text: the text is empty"),
        (event_json(text="x" * 10_001), "text: the text has 10,001 characters"),
        (event_json(text=7), "text: "),
        (event_json(user_id="not-a-uuid"), "user_id: "),
        (event_json(event_type="thought_deleted"), "event_type: "),
        (event_json(version=2), "version: "),
        (json.dumps({"text": "alone"}).encode(), "event_id: Field required"),
    ],
)
def test_parse_created_rejects_an_invalid_event_with_the_field_and_the_reason(
    value: bytes | None, message: str
) -> None:
    with pytest.raises(InvalidEventError) as raised:
        parse_created(value)
    assert str(raised.value).startswith(message)


def test_parse_created_never_quotes_the_value() -> None:
    with pytest.raises(InvalidEventError) as raised:
        parse_created(event_json(user_id="my-secret-diary", text="my-secret-diary"))
    assert "diary" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_thought_created_never_quotes_a_rejected_text() -> None:
    with pytest.raises(ValidationError) as raised:
        thought_created(USER, THOUGHT, "my secret diary \x00")
    assert "diary" not in str(raised.value)


def parse_or_reject(value: bytes) -> None:
    """Parse a value. Any error other than InvalidEventError would stop the bridge at this record forever."""
    try:
        event = parse_created(value)
    except InvalidEventError:
        return
    assert ThoughtCreated.model_validate_json(event.to_bytes()) == event


@without_deadline
@given(st.binary())
def test_parse_created_parses_or_rejects_any_bytes(value: bytes) -> None:
    parse_or_reject(value)


@without_deadline
@given(st.dictionaries(st.sampled_from(sorted(VALID)), any_json), st.sets(st.sampled_from(sorted(VALID))))
def test_parse_created_parses_or_rejects_any_json_in_any_field(changes: dict[str, Any], removed: set[str]) -> None:
    fields = {name: value for name, value in (VALID | changes).items() if name not in removed}
    parse_or_reject(json.dumps(fields).encode())


@without_deadline
@given(st.datetimes(timezones=st.timezones()), st.text(min_size=1))
def test_parse_created_parses_or_rejects_any_timestamp_and_text(when: datetime, text: str) -> None:
    parse_or_reject(event_json(timestamp=when.isoformat(), text=text))


def test_a_new_event_has_the_current_time() -> None:
    before = datetime.now(UTC)
    timestamp = thought_created(USER, THOUGHT, "A thought").timestamp
    assert before <= timestamp <= datetime.now(UTC)
