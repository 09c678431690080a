"""A topic read from outside: whole, and no more of it at once than memory has room for."""

import pytest

from bridge.kafka.config import POLL_CHUNK, POLL_MAX_BYTES
from bridge.kafka.corrupt_batches import CorruptRecord
from bridge.kafka.topic_reader import TopicReader
from contracts.settings import Settings
from tests.bridge.corrupting_proxy import produce_packed

pytestmark = pytest.mark.usefixtures("topics")

LARGE = b"x" * 900_000


@pytest.fixture(scope="module")
def database_url() -> str:
    return "postgresql://nobody@127.0.0.1:9/none"  # nobody asks PostgreSQL here


def test_large_records_are_read_a_few_megabytes_at_a_time(settings: Settings) -> None:
    produce_packed(settings, settings.kafka_topic, [LARGE] * 60, "zstd")
    log, batches = TopicReader(settings, "test"), list[int]()
    for batch in log.records(settings.kafka_topic, [(0, 0, 60)]):
        assert not any(isinstance(one, CorruptRecord) for one in batch)
        batches.append(len(batch))
    log.close()
    assert sum(batches) == 60
    assert max(batches) * len(LARGE) < POLL_MAX_BYTES + POLL_CHUNK * len(LARGE)
