"""A record that cannot become a thought is dead-lettered once, with its bytes, in the index and in the topic."""

import pytest

from bridge.dead_letters.queries import Filter, list_dead_letters
from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.dead_letter_rows import add_record_dead_letter
from tests.bridge.running_relays import idle_relay
from tests.bridge.topic_contents import header_list, headers_by_name, read_records

pytestmark = pytest.mark.usefixtures("topics")


@pytest.mark.parametrize("value", [b"\x00\xff not an event", None, b""])
def test_a_record_that_is_dead_lettered_twice_is_one_dead_letter_with_its_bytes(
    settings: Settings, database: Database, value: bytes | None
) -> None:
    (failure,) = {
        add_record_dead_letter(database, settings, value, remark="NUL \x00 and a lone surrogate \udc80")
        for _ in range(2)
    }
    with idle_relay(settings) as relay:
        relay.publish_batch()
    (record,) = read_records(settings, settings.kafka_dead_letter_topic)
    assert record.value() == value
    expected = {"failure-id": failure.encode(), "reason": b"unreadable", "original-offset": b"42"}
    assert (expected | {"original-key": b"the key"}).items() <= headers_by_name(record).items()
    assert header_list(record)[-2:] == [("original-header-trace", b"\xff"), ("original-header-trace", None)]
    (letter,) = list_dead_letters(database, Filter(), rows=10)
    assert (letter.kafka_partition, letter.kafka_offset) == (record.partition(), record.offset())


def test_a_dead_letter_with_40_000_headers_is_published_with_the_first_hundred(
    settings: Settings, database: Database
) -> None:
    """With all headers and their prefix, the record would exceed the size that the topic accepts."""
    add_record_dead_letter(database, settings, b"x" * 900_000, headers=[("", None)] * 40_000)
    with idle_relay(settings) as relay:
        relay.publish_batch()
    (record,) = read_records(settings, settings.kafka_dead_letter_topic)
    assert headers_by_name(record)["original-headers-left-out"] == b"39900"
    assert len(header_list(record)) < 200
