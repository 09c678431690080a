"""Kafka loads the native libraries of its codecs from DIR: the system's temporary directory may forbid to execute."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.devstack.stacks import running_pids


@pytest.fixture
def brokers(stores_dir: Path, port_base: int) -> dict[str, str | int | float | bool]:
    return {"bootstrap.servers": f"127.0.0.1:{port_base + 4}"}


@pytest.fixture
def topic(brokers: dict[str, str | int | float | bool]) -> Iterator[str]:
    """A topic that the other tests on this Kafka do not see."""
    admin, name = AdminClient(brokers), f"compressed-{uuid4().hex}"
    admin.create_topics([NewTopic(name, 1)])[name].result(30)
    yield name
    admin.delete_topics([name])[name].result(30)


@pytest.mark.parametrize("codec", ["snappy", "zstd"])
def test_kafka_loads_a_codec_from_the_directory_of_the_stack(
    stores_dir: Path, brokers: dict[str, str | int | float | bool], topic: str, codec: str
) -> None:
    errors: list[object] = []
    producer = Producer(brokers | {"compression.type": codec})
    producer.produce(topic, b"a" * 10_000, on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(60) == 0
    assert errors == [None]
    # A library that was deleted after it was loaded is still listed.
    mapped = Path(f"/proc/{running_pids(stores_dir)['kafka.1']}/maps").read_text().splitlines()
    [folder] = {line.split(maxsplit=5)[5].rpartition("/")[0] for line in mapped if codec in line and ".so" in line}
    assert Path(folder) == stores_dir.resolve() / "kafka" / "tmp"
