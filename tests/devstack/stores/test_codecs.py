"""Kafka loads the native libraries of its codecs from DIR: the system's temporary directory may forbid to execute."""

from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.devstack.stacks import running_pids


@pytest.mark.parametrize("codec", ["snappy", "zstd"])
def test_kafka_loads_a_codec_from_the_directory_of_the_stack(stores_dir: Path, port_base: int, codec: str) -> None:
    brokers: dict[str, str | int | float | bool] = {"bootstrap.servers": f"127.0.0.1:{port_base + 4}"}
    admin = AdminClient(brokers)
    topic = f"compressed-{codec}"
    admin.create_topics([NewTopic(topic, 1)])[topic].result(30)
    errors: list[object] = []
    producer = Producer(brokers | {"compression.type": codec})
    producer.produce(topic, b"a" * 10_000, on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(60) == 0
    assert errors == [None]
    # A library that was deleted after it was loaded is still listed.
    mapped = Path(f"/proc/{running_pids(stores_dir)['kafka.1']}/maps").read_text().splitlines()
    [folder] = {line.split(maxsplit=5)[5].rpartition("/")[0] for line in mapped if codec in line and ".so" in line}
    assert Path(folder) == stores_dir.resolve() / "kafka" / "tmp"
