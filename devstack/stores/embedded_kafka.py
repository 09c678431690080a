"""The stand-in where Apache Kafka cannot be had: librdkafka's own in-process broker. It keeps nothing.

    python -m devstack.stores.embedded_kafka PORT

That broker chooses its own port, a new one at each start. Clients are given PORT instead: whatever connects there is
passed on to the broker, whose first answer names its real address. So a client finds it again after it was killed.

Topics appear there when somebody asks for them, but a group that subscribed to one before is never given its
partitions. So they are asked for before anybody can connect.
"""

import asyncio
import sys
from contextlib import suppress

from confluent_kafka import Producer

from contracts.settings import load_settings_or_exit
from devstack.spec.ports import LOOPBACK, Ports
from devstack.spec.stack import Process


def process(ports: Ports) -> Process:
    """The stand-in as a process of the stack."""
    return Process(
        name="kafka.1", kind="kafka", argv=[sys.executable, "-m", "devstack.stores.embedded_kafka", str(ports.kafka)]
    )


def main() -> None:
    """Run until a signal ends the process."""
    producer = Producer({"test.mock.num.brokers": 1, "log_level": 0})
    settings = load_settings_or_exit()
    for topic in (settings.kafka_topic, settings.kafka_dead_letter_topic, settings.kafka_events_topic):
        producer.list_topics(topic, timeout=10)
    broker = next(iter(producer.list_topics(timeout=10).brokers.values()))
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(int(sys.argv[1]), broker.host, broker.port))
    del producer  # the broker lives in it


async def _serve(port: int, broker_host: str, broker_port: int) -> None:
    async def introduce(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(broker_host, broker_port)
        await asyncio.gather(_pass_on(reader, upstream_writer), _pass_on(upstream_reader, writer))

    async with await asyncio.start_server(introduce, LOOPBACK, port) as server:
        await server.serve_forever()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    main()
