"""A local port before Kafka that spoils what it passes on: as a cable, a memory or a disk does now and then."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from contracts.settings import Settings

WHOLE, SPOILT = b"\x04\x22\x4d\x18", b"\x04\x22\x4d\x19"
"""How a record batch begins that LZ4 packed, and what is read instead: it does not unpack."""

FOR_EVER = 1_000_000


class Spoiler:
    """Passes bytes on, and names itself where Kafka names its own port, so that clients come back to it."""

    def __init__(self, settings: Settings, times: int) -> None:
        host, _, port = settings.kafka_bootstrap_servers.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port: int = self._listener.getsockname()[1]
        self.settings = settings.model_copy(update={"kafka_bootstrap_servers": f"127.0.0.1:{self._port}"})
        self.times = times
        """How many more answers are spoilt."""
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                threading.Thread(target=_pump, args=(near, far), daemon=True).start()
                threading.Thread(target=self._answer, args=(far, near), daemon=True).start()

    def _answer(self, source: socket.socket, sink: socket.socket) -> None:
        """Answers are taken whole, each behind its length."""
        with suppress(OSError), source, sink, source.makefile("rb") as answers:
            while answer := _whole(answers):
                sink.sendall(len(answer).to_bytes(4, "big") + self._spoil(answer))

    def _spoil(self, answer: bytes) -> bytes:
        if WHOLE in answer and self.times > 0:
            self.times -= 1
            answer = answer.replace(WHOLE, SPOILT)
        host, port = self._target
        return answer.replace(host.encode() + port.to_bytes(4, "big"), host.encode() + self._port.to_bytes(4, "big"))


def _whole(answers: BinaryIO) -> bytes:
    return answers.read(int.from_bytes(answers.read(4), "big"))


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError), source, sink:
        while data := source.recv(65_536):
            sink.sendall(data)


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
def a_spoiler(settings: Settings, *, times: int = FOR_EVER) -> Iterator[Spoiler]:
    """Its `settings` name a Kafka that spoils what LZ4 packed, in so many answers."""
    spoiler = Spoiler(settings, times)
    try:
        yield spoiler
    finally:
        spoiler.close()
