"""The proxies of the fault tests: a stall delivers the waiting bytes afterwards, a refusal resets connections."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.faults.network import Network

ECHO_CLIENT = """
import socket, sys
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20)
print("connected", flush=True)
while line := sys.stdin.readline():
    connection.sendall(line.encode())
    print(connection.recv(100).decode().strip(), flush=True)
"""


@contextmanager
def echo_server(accepted: list[socket.socket]) -> Iterator[int]:
    """Run a server that sends everything back, and lists the connections that it accepts; yields its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def echo(connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(100):
                connection.sendall(data)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            accepted.append(connection)
            threading.Thread(target=echo, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.fixture
def accepted() -> list[socket.socket]:
    """The connections that the server has accepted."""
    return []


@pytest.fixture
def network(accepted: list[socket.socket]) -> Iterator[Network]:
    with echo_server(accepted) as port, Network({"store": (0, port)}) as network:
        yield network


def connect(network: Network) -> socket.socket:
    return socket.create_connection(("127.0.0.1", network.port("store")), 10)


def echo_of(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    return connection.recv(100)


def assert_no_echo(connection: socket.socket, data: bytes) -> None:
    connection.settimeout(0.3)
    with pytest.raises(TimeoutError):
        echo_of(connection, data)
    connection.settimeout(10)


def test_bytes_pass_both_ways(network: Network) -> None:
    with connect(network) as connection:
        assert echo_of(connection, b"hello") == b"hello"


def test_a_stalled_connection_stays_open_and_delivers_the_waiting_bytes_afterwards(network: Network) -> None:
    with connect(network) as connection:
        assert echo_of(connection, b"before") == b"before"
        with network.stalled("store"):
            assert_no_echo(connection, b"during")
        assert connection.recv(100) == b"during"


def test_a_connection_opened_during_a_stall_works_afterwards(network: Network) -> None:
    with network.stalled("store"):
        connection = connect(network)
        connection.sendall(b"early")
    with connection:
        assert connection.recv(100) == b"early"


def test_a_connection_that_was_opened_and_closed_during_a_stall_never_reaches_the_server(
    network: Network, accepted: list[socket.socket]
) -> None:
    with network.stalled("store"):
        for _ in range(3):
            with connect(network) as abandoned:
                abandoned.sendall(b"nobody waits for this")
        kept = connect(network)
    with kept:
        assert echo_of(kept, b"later") == b"later"
    assert len(accepted) == 1


def test_a_stall_of_one_process_also_affects_its_new_connections(network: Network) -> None:
    command = [sys.executable, "-c", ECHO_CLIENT, str(network.port("store"))]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as other,
        connect(network) as connection,
    ):
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == "connected\n"
        with network.stalled("store", [os.getpid()]):
            other.stdin.write("there\n")
            assert other.stdout.readline() == "there\n"
            assert_no_echo(connection, b"here")
            with connect(network) as new_connection:
                assert_no_echo(new_connection, b"new")
        other.stdin.close()


def test_a_refusal_resets_open_connections_and_accepts_no_new_ones(network: Network) -> None:
    with connect(network) as connection:
        assert echo_of(connection, b"hello") == b"hello"
        with network.refused("store"):
            with pytest.raises(OSError, match="refused"):
                connect(network)
            with suppress(ConnectionError):
                assert echo_of(connection, b"anyone?") == b""
    with connect(network) as new_connection:
        assert echo_of(new_connection, b"again") == b"again"
