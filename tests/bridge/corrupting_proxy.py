"""Corrupts what Kafka answers, as a faulty cable, memory or disk would."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from contracts.settings import Settings
from tests.tcp_proxy import LOOPBACK, Link, TcpProxy

LZ4_MAGIC, CORRUPT_MAGIC = b"\x04\x22\x4d\x18", b"\x04\x22\x4d\x19"
"""The first bytes of an LZ4-compressed record batch, and the bytes that replace them: the batch cannot be
decompressed."""

ALWAYS = 1_000_000


class CorruptingProxy(TcpProxy):
    """A proxy to Kafka that corrupts the next `answers_to_corrupt` answers that contain an LZ4 batch.

    It replaces the broker's advertised port by its own, so that clients keep using the proxy. Its `settings` are those
    of such a client.
    """

    def __init__(self, settings: Settings, answers_to_corrupt: int) -> None:
        host, _, port = settings.kafka_bootstrap_servers.rpartition(":")
        self._advertised = (host.encode() + int(port).to_bytes(4, "big"), b"")
        self.answers_to_corrupt = answers_to_corrupt
        super().__init__(host, int(port))
        proxy_address = LOOPBACK.encode() + self.port.to_bytes(4, "big")
        self._advertised = (self._advertised[0], proxy_address)
        self.settings = settings.model_copy(update={"kafka_bootstrap_servers": self.address})

    def _forward_answers(self, link: Link) -> None:
        """Forward whole answers; each is preceded by its length."""
        with link.server.makefile("rb") as answers:
            while answer := answers.read(int.from_bytes(answers.read(4), "big")):
                link.client.sendall(len(answer).to_bytes(4, "big") + self._corrupt(answer))

    def _corrupt(self, answer: bytes) -> bytes:
        if LZ4_MAGIC in answer and self.answers_to_corrupt > 0:
            self.answers_to_corrupt -= 1
            answer = answer.replace(LZ4_MAGIC, CORRUPT_MAGIC)
        return answer.replace(*self._advertised)


def produce_compressed(
    settings: Settings,
    topic: str,
    values: Sequence[bytes],
    compression: str,
    key: bytes | None = None,
    turn: bytes = b"1",
) -> None:
    """Write records into the first partition, in few compressed batches. Raises KafkaException when one is rejected."""
    producer = Producer(
        {
            "bootstrap.servers": settings.kafka_bootstrap_servers,
            "compression.type": compression,
            "message.max.bytes": 200_000_000,
            "linger.ms": 500,
        }
    )
    for value in values:
        producer.produce(topic, value, key, partition=0, headers={"turn": turn}, on_delivery=_check_delivery)
        producer.poll(0)
    assert producer.flush(60) == 0


def _check_delivery(error: KafkaError | None, _: Message) -> None:
    if error is not None:
        raise KafkaException(error)


@contextmanager
def corrupting_proxy(settings: Settings, *, times: int = ALWAYS) -> Iterator[CorruptingProxy]:
    """Run a proxy that corrupts `times` answers; its `settings` are for the clients that shall use it."""
    proxy = CorruptingProxy(settings, times)
    try:
        yield proxy
    finally:
        proxy.close()
