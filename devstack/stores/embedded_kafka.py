"""Runs librdkafka's in-process mock broker, a substitute where Apache Kafka is not available. It persists nothing.

    python -m devstack.stores.embedded_kafka PORT

The broker chooses a new port at each start. Clients connect to PORT, where a proxy forwards every connection to the
broker, whose first answer contains its real address. A client therefore finds the broker again after a restart.

The broker creates a topic when a client requests its metadata, but a consumer group that subscribed to the topic before
never gets its partitions. The topics are therefore requested before any client can connect.
"""

import asyncio
import sys
from contextlib import suppress

from confluent_kafka import Producer

from contracts.settings import load_settings_or_exit
from devstack.spec.ports import LOOPBACK, Ports
from devstack.spec.stack import Process


def process(ports: Ports) -> Process:
    """Return the embedded broker as a process of the stack."""
    return Process(
        name="kafka.1", kind="kafka", argv=[sys.executable, "-m", "devstack.stores.embedded_kafka", str(ports.kafka)]
    )


def main() -> None:
    """Run the broker and its proxy until a signal stops the process."""
    producer = Producer({"test.mock.num.brokers": 1, "log_level": 0})
    settings = load_settings_or_exit()
    for topic in (settings.kafka_topic, settings.kafka_dead_letter_topic, settings.kafka_events_topic):
        producer.list_topics(topic, timeout=10)
    broker = next(iter(producer.list_topics(timeout=10).brokers.values()))
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(int(sys.argv[1]), broker.host, broker.port))
    del producer  # only here, because the broker runs inside it


async def _serve(port: int, broker_host: str, broker_port: int) -> None:
    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(broker_host, broker_port)
        await asyncio.gather(_copy(reader, upstream_writer), _copy(upstream_reader, writer))

    async with await asyncio.start_server(forward, LOOPBACK, port) as server:
        await server.serve_forever()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    main()
