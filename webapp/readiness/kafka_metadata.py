"""Asks Kafka for the metadata of topics over a plain socket, because the web never loads Kafka's client.

One request of Kafka's protocol: Metadata, version 4, which every broker since 0.11 answers and which creates no topic.
A broker that wants SASL is only asked for its versions, which it sends before the login: the relay logs in.
"""

import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contracts.kafka_tls import kafka_tls_context
from contracts.setting_values import Address
from contracts.settings import Settings

MAX_RESPONSE_BYTES: Final = 4 * 1024 * 1024

_METADATA: Final = (3, 4)
_API_VERSIONS: Final = (18, 0)
"""Key and version of a request."""

_CLIENT_ID: Final = b"web-health"
_CORRELATION_ID: Final = 1


@dataclass(frozen=True, slots=True)
class TopicState:
    """What Kafka says of a topic."""

    error: int
    """0, or Kafka's error code."""
    partitions: int
    leaderless: int
    """Partitions without a leader, to which nothing can be written."""


def ask_topics(settings: Settings, address: Address, topics: Sequence[str], deadline: float) -> dict[str, TopicState]:
    """Ask one server for the topics; return none when it wants SASL.

    Raises TimeoutError at the deadline, SettingsError for an unusable certificate, and OSError, EOFError, struct.error
    or ValueError when there is no answer of Kafka.
    """
    with _connect(settings, address, deadline) as connection:
        if settings.kafka_security_protocol.startswith("SASL"):
            _exchange(connection, _API_VERSIONS, b"", deadline)
            return {}
        names = b"".join(_string(topic.encode()) for topic in topics)
        body = struct.pack(">i", len(topics)) + names + struct.pack(">?", False)
        return _parse_metadata(_exchange(connection, _METADATA, body, deadline))


def _connect(settings: Settings, address: Address, deadline: float) -> socket.socket:
    connection = socket.create_connection(address, _remaining(deadline))
    if not settings.kafka_security_protocol.endswith("SSL"):
        return connection
    connection.settimeout(_remaining(deadline))
    return kafka_tls_context(settings).wrap_socket(connection, server_hostname=address[0])


def _exchange(connection: socket.socket, api: tuple[int, int], body: bytes, deadline: float) -> bytes:
    """Send one request and return the body of its response."""
    request = struct.pack(">hhi", *api, _CORRELATION_ID) + _string(_CLIENT_ID) + body
    connection.settimeout(_remaining(deadline))
    connection.sendall(struct.pack(">i", len(request)) + request)
    (size,) = struct.unpack(">i", _read(connection, 4, deadline))
    if not 4 <= size <= MAX_RESPONSE_BYTES:
        raise ValueError("this is no response of Kafka")
    response = _read(connection, size, deadline)
    if struct.unpack(">i", response[:4]) != (_CORRELATION_ID,):
        raise ValueError("this response belongs to no request")
    return response[4:]


def _read(connection: socket.socket, size: int, deadline: float) -> bytes:
    received = bytearray()
    while len(received) < size:
        connection.settimeout(_remaining(deadline))
        chunk = connection.recv(size - len(received))
        if not chunk:
            raise EOFError
        received += chunk
    return bytes(received)


def _remaining(deadline: float) -> float:
    """Return the seconds until the deadline. Raises TimeoutError when it has passed."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _string(value: bytes) -> bytes:
    return struct.pack(">h", len(value)) + value


class _Reader:
    """Reads the values of a response one after the other. Raises struct.error at its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def number(self, kind: str) -> int:
        (value,) = struct.unpack_from(f">{kind}", self._data, self._position)
        self._position += struct.calcsize(f">{kind}")
        return int(value)

    def string(self) -> str:
        length = max(0, self.number("h"))
        value = self._data[self._position : self._position + length]
        self._position += length
        return value.decode()

    def skip_numbers(self) -> None:
        for _ in range(self.number("i")):
            self.number("i")


def _parse_metadata(body: bytes) -> dict[str, TopicState]:
    reader = _Reader(body)
    reader.number("i")  # throttle time
    for _ in range(reader.number("i")):
        reader.number("i")
        reader.string()
        reader.number("i")
        reader.string()
    reader.string()  # cluster id
    reader.number("i")  # controller
    return dict(_parse_topic(reader) for _ in range(reader.number("i")))


def _parse_topic(reader: _Reader) -> tuple[str, TopicState]:
    error, name = reader.number("h"), reader.string()
    reader.number("?")  # internal
    leaders = [_parse_leader(reader) for _ in range(reader.number("i"))]
    return name, TopicState(error, len(leaders), sum(leader < 0 for leader in leaders))


def _parse_leader(reader: _Reader) -> int:
    reader.number("h")  # error
    reader.number("i")  # partition
    leader = reader.number("i")
    reader.skip_numbers()
    reader.skip_numbers()
    return leader
