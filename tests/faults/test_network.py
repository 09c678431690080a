"""The network that faults are done to: silent, it keeps everything for later; refusing, it ends what is open."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.faults.network import Network

ECHO_ONCE = """
import socket, sys
one = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20)
print("connected", flush=True)
while word := sys.stdin.readline():
    one.sendall(word.encode())
    print(one.recv(100).decode().strip(), flush=True)
"""


@contextmanager
def a_store() -> Iterator[int]:
    """The port of a server that says everything back."""
    listener = socket.create_server(("127.0.0.1", 0))

    def echo(one: socket.socket) -> None:
        with one:
            while data := one.recv(100):
                one.sendall(data)

    def serve() -> None:
        while True:
            try:
                one, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(one,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.fixture
def network() -> Iterator[Network]:
    with a_store() as port, Network({"store": (0, port)}) as made:
        yield made


def connected(network: Network) -> socket.socket:
    return socket.create_connection(("127.0.0.1", network.port("store")), 10)


def said_back(connection: socket.socket, word: bytes) -> bytes:
    connection.sendall(word)
    return connection.recv(100)


def hears_nothing(connection: socket.socket, word: bytes) -> None:
    connection.settimeout(0.3)
    with pytest.raises(TimeoutError):
        said_back(connection, word)
    connection.settimeout(10)


def test_bytes_pass_both_ways(network: Network) -> None:
    with connected(network) as one:
        assert said_back(one, b"hello") == b"hello"


def test_in_silence_connections_stay_and_what_waited_passes_afterwards(network: Network) -> None:
    with connected(network) as one:
        assert said_back(one, b"before") == b"before"
        with network.stalled("store"):
            hears_nothing(one, b"during")
        assert one.recv(100) == b"during"


def test_a_connection_made_in_silence_works_afterwards(network: Network) -> None:
    with network.stalled("store"):
        one = connected(network)
        one.sendall(b"early")
    with one:
        assert one.recv(100) == b"early"


def test_one_process_can_be_cut_off_alone_also_with_new_connections(network: Network) -> None:
    words = [sys.executable, "-c", ECHO_ONCE, str(network.port("store"))]
    with (
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as other,
        connected(network) as mine,
    ):
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == "connected\n"
        with network.stalled("store", [os.getpid()]):
            other.stdin.write("there\n")
            assert other.stdout.readline() == "there\n"
            hears_nothing(mine, b"here")
            with connected(network) as new:
                hears_nothing(new, b"new")
        other.stdin.close()


def test_refusing_it_resets_what_is_open_and_takes_nothing_until_it_is_over(network: Network) -> None:
    with connected(network) as one:
        assert said_back(one, b"hello") == b"hello"
        with network.refused("store"):
            with pytest.raises(OSError, match="refused"):
                connected(network)
            with suppress(ConnectionError):
                assert said_back(one, b"anyone?") == b""
    with connected(network) as new:
        assert said_back(new, b"again") == b"again"
