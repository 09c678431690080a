"""A record that cannot be a thought is buried once, with its bytes, in the index and in the topic."""

import pytest

from bridge.dead_letters.queries import Filter, list_dead_letters
from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.dead_letter_rows import buried
from tests.bridge.running_relays import a_relay
from tests.bridge.topic_contents import header_list, headers, records

pytestmark = pytest.mark.usefixtures("topics")


@pytest.mark.parametrize("value", [b"\x00\xff not an event", None, b""])
def test_a_record_buried_twice_is_one_dead_letter_with_its_bytes_intact(
    settings: Settings, database: Database, value: bytes | None
) -> None:
    (failure,) = {buried(database, settings, value, remark="NUL \x00 and a lone surrogate \udc80") for _ in range(2)}
    with a_relay(settings) as relay:
        relay.publish_batch()
    (found,) = records(settings, settings.kafka_dead_letter_topic)
    assert found.value() == value
    told = {"failure-id": failure.encode(), "reason": b"unreadable", "original-offset": b"42"}
    assert (told | {"original-key": b"the key"}).items() <= headers(found).items()
    assert header_list(found)[-2:] == [("original-header-trace", b"\xff"), ("original-header-trace", None)]
    (kept,) = list_dead_letters(database, Filter(), rows=10)
    assert (kept.kafka_partition, kept.kafka_offset) == (found.partition(), found.offset())


def test_a_record_with_a_host_of_headers_is_in_the_topic_too_and_whole_in_the_index(
    settings: Settings, database: Database
) -> None:
    """The prefix would make it larger than the topic takes."""
    buried(database, settings, b"x" * 900_000, headers=[("", None)] * 40_000)
    with a_relay(settings) as relay:
        relay.publish_batch()
    (found,) = records(settings, settings.kafka_dead_letter_topic)
    assert headers(found)["original-headers-left-out"] == b"39900"
    assert len(header_list(found)) < 200
