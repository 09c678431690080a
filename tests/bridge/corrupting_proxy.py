"""A proxy before Kafka that corrupts what it forwards, as a cable, a memory or a disk does now and then."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from contracts.settings import Settings
from tests.tcp_proxy import LOOPBACK, Link, TcpProxy

WHOLE, CORRUPT = b"\x04\x22\x4d\x18", b"\x04\x22\x4d\x19"
"""How a record batch begins that LZ4 packed, and what is read instead: it does not unpack."""

FOR_EVER = 1_000_000


class CorruptingProxy(TcpProxy):
    """A proxy before Kafka that corrupts `times` answers, and names itself where Kafka names its own port, so that
    clients come back to it."""

    def __init__(self, settings: Settings, times: int) -> None:
        host, _, port = settings.kafka_bootstrap_servers.rpartition(":")
        self._advertised = (host.encode() + int(port).to_bytes(4, "big"), b"")
        self.times = times
        super().__init__(host, int(port))
        own = LOOPBACK.encode() + self.port.to_bytes(4, "big")
        self._advertised = (self._advertised[0], own)
        self.settings = settings.model_copy(update={"kafka_bootstrap_servers": self.address})

    def _forward_answers(self, link: Link) -> None:
        """Answers are read whole, each behind its length."""
        with link.server.makefile("rb") as answers:
            while answer := answers.read(int.from_bytes(answers.read(4), "big")):
                link.client.sendall(len(answer).to_bytes(4, "big") + self._corrupt(answer))

    def _corrupt(self, answer: bytes) -> bytes:
        if WHOLE in answer and self.times > 0:
            self.times -= 1
            answer = answer.replace(WHOLE, CORRUPT)
        return answer.replace(*self._advertised)


def produce_packed(
    settings: Settings, topic: str, values: Sequence[bytes], packed: str, key: bytes | None = None, turn: bytes = b"1"
) -> None:
    """Write few record batches, packed so, into the first partition. Raises KafkaException when one is refused."""
    producer = Producer(
        {
            "bootstrap.servers": settings.kafka_bootstrap_servers,
            "compression.type": packed,
            "message.max.bytes": 200_000_000,
            "linger.ms": 500,
        }
    )
    for value in values:
        producer.produce(topic, value, key, partition=0, headers={"turn": turn}, on_delivery=_taken)
        producer.poll(0)
    assert producer.flush(60) == 0


def _taken(error: KafkaError | None, _: Message) -> None:
    if error is not None:
        raise KafkaException(error)


@contextmanager
def corrupting_proxy(settings: Settings, *, times: int = FOR_EVER) -> Iterator[CorruptingProxy]:
    """Its `settings` name a Kafka that corrupts what LZ4 has compressed, in so many answers."""
    proxy = CorruptingProxy(settings, times)
    try:
        yield proxy
    finally:
        proxy.close()
