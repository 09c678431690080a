"""Kafka is asked for the metadata of the topics, because a broker that does nothing keeps its port open."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from uuid import uuid4

import pytest

from contracts.settings import Settings
from webapp.readiness.kafka_check import check_kafka
from webapp.readiness.probe import CheckError


@contextmanager
def full_server() -> Iterator[str]:
    """Provide an address that answers no connection attempt, because its backlog is full."""
    with socket.socket() as server, ExitStack() as attempts:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(3):
            client = attempts.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield f"127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def silent_server() -> Iterator[str]:
    """Provide an address that accepts connections and never answers, as the kernel does for a suspended broker."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def answering_server(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """Provide an address whose first connection gets one answer, and is then closed."""

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(answer(connection.recv(4096)))

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"


def changed(settings: Settings, **changes: str) -> Settings:
    return settings.model_copy(update=changes)


def test_a_broker_is_found_after_others_that_are_silent_or_full(settings: Settings) -> None:
    with full_server() as first, silent_server() as second:
        check_kafka(changed(settings, kafka_bootstrap_servers=f"{first},{second},{settings.kafka_bootstrap_servers}"))


@pytest.mark.parametrize("topic", ["kafka_topic", "kafka_events_topic", "kafka_dead_letter_topic"])
def test_a_topic_that_does_not_exist_is_named(settings: Settings, topic: str) -> None:
    name = f"missing-{uuid4().hex}"
    with pytest.raises(CheckError, match=f"^Kafka's topic {name} does not exist"):
        check_kafka(changed(settings, **{topic: name}))


def test_the_request_does_not_let_a_broker_create_topics(settings: Settings) -> None:
    requests: list[bytes] = []

    def remember(request: bytes) -> bytes:
        requests.append(request)
        return b""

    with answering_server(remember) as address, pytest.raises(CheckError):
        check_kafka(changed(settings, kafka_bootstrap_servers=address))
    assert requests[0].endswith(settings.kafka_dead_letter_topic.encode() + b"\0"), "the last value says so"


def test_a_broker_that_accepts_connections_and_does_nothing_does_not_answer(settings: Settings) -> None:
    with silent_server() as address, pytest.raises(CheckError, match=r"^Kafka does not answer"):
        check_kafka(changed(settings, kafka_bootstrap_servers=address))


def test_a_port_without_a_server_is_unavailable(settings: Settings) -> None:
    with pytest.raises(CheckError, match=r"^Kafka is unavailable"):
        check_kafka(changed(settings, kafka_bootstrap_servers="127.0.0.1:9"))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"",
        struct.pack(">i", 4),
        struct.pack(">ii", 4, 7),
        struct.pack(">iib", 5, 1, 0),
    ],
    ids=["HTTP", "closed", "cut off", "another request's", "incomplete"],
)
def test_another_server_is_no_kafka(settings: Settings, answer: bytes) -> None:
    with answering_server(lambda _: answer) as address, pytest.raises(CheckError, match=r"^Kafka is unavailable"):
        check_kafka(changed(settings, kafka_bootstrap_servers=address))


def test_a_broker_that_wants_a_login_is_only_asked_for_its_versions(settings: Settings) -> None:
    with answering_server(lambda request: struct.pack(">i", 10) + request[8:12] + bytes(6)) as address:
        check_kafka(changed(settings, kafka_bootstrap_servers=address, kafka_security_protocol="SASL_PLAINTEXT"))


def test_a_broker_without_tls_is_unavailable_to_a_client_that_wants_it(settings: Settings) -> None:
    with pytest.raises(CheckError):
        check_kafka(changed(settings, kafka_security_protocol="SSL"))
