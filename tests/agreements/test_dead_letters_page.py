"""docs/dead-letters.md tells other consumers the names and bounds that the code has."""

import re

from bridge.dead_letters.replay import REPLAY_OF_HEADER
from bridge.kafka.topics import MAX_DEAD_LETTER_VALUE_BYTES, MAX_WORK_BATCH_BYTES
from bridge.records.parse import MAX_RECORD_BYTES
from contracts.dead_letters import (
    MAX_MESSAGE_LENGTH,
    MAX_ORIGINAL_HEADERS,
    MAX_STACK_LENGTH,
    corrupt_origin,
    failure_headers,
    kafka_headers,
)
from contracts.source_headers import TRACING_HEADERS, capture_headers
from contracts.text import MAX_THOUGHT_LENGTH
from tests.stores import ROOT

PAGE = (ROOT / "docs" / "dead-letters.md").read_text()


def documented() -> set[str]:
    table = PAGE[PAGE.index("| header | says |") : PAGE.index("A failure id is")]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def written() -> set[str]:
    told = failure_headers(reason="r", error_class="c", message="m", stack="s", agent="a", attempts=1)
    told |= {"user_id": "u", "thought_id": "t", "value_left_out": "w", "origin": corrupt_origin("topic", 0, 0, "id")}
    many = [("NAME", b"")] * (MAX_ORIGINAL_HEADERS + 1)
    return {name for name, _ in kafka_headers("id", told | capture_headers(b"", many))}


def test_every_header_is_told_and_none_that_is_not_written() -> None:
    assert documented() == written()


def test_the_bounds_are_those_of_the_code() -> None:
    events = (MAX_RECORD_BYTES, MAX_WORK_BATCH_BYTES, MAX_THOUGHT_LENGTH)
    for bound in (MAX_MESSAGE_LENGTH, MAX_STACK_LENGTH, MAX_DEAD_LETTER_VALUE_BYTES, *events):
        assert f"{bound:,} " in PAGE
    assert f"the first {MAX_ORIGINAL_HEADERS} " in PAGE


def test_the_headers_that_go_on_are_named() -> None:
    assert all(f"`{name}`" in PAGE for name in (*TRACING_HEADERS, REPLAY_OF_HEADER))
