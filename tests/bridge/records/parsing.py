"""An example event, and functions that parse records made of it."""

import json
from typing import Any
from uuid import UUID

from bridge.records.parse import parse_record
from bridge.records.types import InvalidRecord, KafkaHeaders, RawRecord, Record
from contracts.dead_letters import origin, record_failure_id
from contracts.events import thought_created

USER, THOUGHT = UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), UUID("b1ffcd00-0d1c-4f09-8c7e-7cc0ce491b22")
"""Constants, because the parallel processes of a test run must generate the same test ids."""
EVENT = thought_created(USER, THOUGHT, "Should I learn Rust this winter?")
ORIGIN = origin("work", 2, 17, 1_700_000_000_000)
KEY = str(USER).encode()


def parse(value: bytes | None, headers: KafkaHeaders = (), key: bytes | None = KEY) -> Record | InvalidRecord:
    return parse_record(ORIGIN, value, headers, key)


def parse_invalid(value: bytes | None, headers: KafkaHeaders = (), key: bytes | None = KEY) -> tuple[str, str]:
    """Check that a record is invalid and kept completely, and return the kind and the reason."""
    result = parse(value, headers, key)
    assert isinstance(result, InvalidRecord)
    assert result.record.turn is None
    raw = result.record.raw
    assert raw == RawRecord(value, [*headers], key, raw.error_kind, failure_id=record_failure_id(ORIGIN, value))
    return raw.error_kind, result.message


def reason_of(value: bytes | None, headers: KafkaHeaders = ()) -> str:
    kind, reason = parse_invalid(value, headers)
    assert kind
    return reason


def event_with(**fields: Any) -> bytes:
    """Return the event's JSON with some fields replaced or added."""
    return json.dumps(EVENT.to_dict() | fields).encode()
