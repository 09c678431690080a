"""Tests of reading a whole topic in batches of bounded size."""

import pytest

from bridge.kafka.config import POLL_CHUNK, POLL_MAX_BYTES
from bridge.kafka.corrupt_batches import CorruptRecord
from bridge.kafka.topic_reader import TopicReader
from contracts.settings import Settings
from tests.bridge.corrupting_proxy import produce_compressed

pytestmark = pytest.mark.usefixtures("topics")

LARGE = b"x" * 900_000


@pytest.fixture(scope="module")
def database_url() -> str:
    return "postgresql://nobody@127.0.0.1:9/none"  # these tests do not use PostgreSQL


def test_the_topic_reader_yields_large_records_in_batches_of_a_few_megabytes(settings: Settings) -> None:
    produce_compressed(settings, settings.kafka_topic, [LARGE] * 60, "zstd")
    reader, batch_sizes = TopicReader(settings, "test"), list[int]()
    for batch in reader.records(settings.kafka_topic, [(0, 0, 60)]):
        assert not any(isinstance(item, CorruptRecord) for item in batch)
        batch_sizes.append(len(batch))
    reader.close()
    assert sum(batch_sizes) == 60
    assert max(batch_sizes) * len(LARGE) < POLL_MAX_BYTES + POLL_CHUNK * len(LARGE)
