"""docs/dead-letters.md documents the header names and limits that the code uses."""

import re

from bridge.dead_letters.replay import REPLAY_OF_HEADER
from bridge.kafka.limits import MAX_DEAD_LETTER_VALUE_BYTES, MAX_WORK_BATCH_BYTES
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


def documented_headers() -> set[str]:
    table = PAGE[PAGE.index("| header | content |") : PAGE.index("A failure id is")]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def written_headers() -> set[str]:
    failure = failure_headers(reason="r", error_class="c", message="m", stack="s", agent="a", attempts=1)
    failure |= {"user_id": "u", "thought_id": "t", "value_left_out": "w", "origin": corrupt_origin("topic", 0, 0, "id")}
    originals = [("NAME", b"")] * (MAX_ORIGINAL_HEADERS + 1)
    return {name for name, _ in kafka_headers("id", failure | capture_headers(b"", originals))}


def test_the_page_documents_exactly_the_headers_that_are_written() -> None:
    assert documented_headers() == written_headers()


def test_the_page_states_the_limits_of_the_code() -> None:
    event_limits = (MAX_RECORD_BYTES, MAX_WORK_BATCH_BYTES, MAX_THOUGHT_LENGTH)
    for limit in (MAX_MESSAGE_LENGTH, MAX_STACK_LENGTH, MAX_DEAD_LETTER_VALUE_BYTES, *event_limits):
        assert f"{limit:,} " in PAGE
    assert re.search(rf"the first {MAX_ORIGINAL_HEADERS}\b", PAGE)


def test_the_page_names_the_headers_that_are_passed_on() -> None:
    assert all(f"`{name}`" in PAGE for name in (*TRACING_HEADERS, REPLAY_OF_HEADER))
