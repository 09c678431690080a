"""Tests of parsing with random records: no content raises, and each is kept unchanged."""

from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from bridge.records.types import InvalidRecord, KafkaHeaders, Record
from contracts.events import parse_created, thought_created
from tests.bridge.records.parsing import EVENT, KEY, event_with, parse
from tests.contracts.properties import any_json, any_text, without_deadline

any_header = st.tuples(st.sampled_from(["turn", "x"]) | st.text(), st.none() | st.binary(max_size=20))
any_headers = st.lists(any_header, max_size=4)
any_key = st.none() | st.binary(max_size=40) | st.just(KEY)


def is_complete(
    result: Record | InvalidRecord, value: bytes | None, headers: KafkaHeaders = (), key: bytes | None = KEY
) -> bool:
    """Return whether a result keeps value, headers and key unchanged, and has a reason that PostgreSQL can store."""
    record = result.record if isinstance(result, InvalidRecord) else result
    reason = f"{result.message}{record.raw.error_kind}" if isinstance(result, InvalidRecord) else ""
    reason.encode()
    kept = (record.raw.value, [*record.raw.headers], record.raw.key)
    return kept == (value, [*headers], key) and "\x00" not in reason


@without_deadline
@given(value=st.none() | st.binary(), headers=any_headers, key=any_key)
def test_random_bytes_are_invalid_and_kept_completely(
    value: bytes | None, headers: list[tuple[str, bytes | None]], key: bytes | None
) -> None:
    result = parse(value, headers, key)
    assert isinstance(result, InvalidRecord)
    assert is_complete(result, value, headers, key)


@without_deadline
@given(headers=any_headers, key=any_key)
def test_a_valid_event_with_any_headers_and_key_is_kept_completely(
    headers: list[tuple[str, bytes | None]], key: bytes | None
) -> None:
    value = EVENT.to_bytes()
    result = parse(value, headers, key)
    assert is_complete(result, value, headers, key)
    assert isinstance(result, Record) <= (key == KEY)


@without_deadline
@given(
    position=st.integers(0, len(EVENT.to_bytes())),
    removed=st.integers(0, 3),
    inserted=st.binary(max_size=3),
    times=st.integers(1, 2),
)
def test_an_event_with_some_bytes_changed_is_kept_completely(
    position: int, removed: int, inserted: bytes, times: int
) -> None:
    value = EVENT.to_bytes()
    for _ in range(times):
        value = value[:position] + inserted + value[position + removed :]
    assert is_complete(parse(value), value)


@without_deadline
@given(fields=st.dictionaries(st.sampled_from(sorted(EVENT.to_dict())) | any_text, any_json))
def test_an_event_with_random_fields_never_raises_and_is_kept_completely(fields: dict[str, Any]) -> None:
    value = event_with(**fields)
    assert is_complete(parse(value), value)


@given(turn=st.integers(1, 2**63 - 1), user=st.uuids(), thought=st.uuids(), text=st.text(min_size=1))
def test_every_event_of_the_relay_is_parsed_unchanged(turn: int, user: UUID, thought: UUID, text: str) -> None:
    try:
        event = thought_created(user, thought, text)
    except ValueError:
        return  # a text that is never accepted
    record = parse(event.to_bytes(), [("turn", str(turn).encode())], str(user).encode())
    assert isinstance(record, Record)
    assert (record.user_id, record.thought_id, record.turn) == (user, thought, turn)
    assert parse_created(record.raw.value).text == event.text
