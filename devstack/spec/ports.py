"""Assigns the ports of a stack, and checks which ports are in use.

    offset  process          with the default base
    +0      page (web.*)     8000
    +1      Flower           8001
    +2      PostgreSQL       8002
    +3      Redis            8003
    +4      Kafka, clients   8004
    +5      Kafka, internal  8005 (the controller's listener)

A stack uses no other ports, so stacks whose bases are ten apart never conflict. All ports are on the loopback address.
"""

import errno
import socket
from dataclasses import dataclass
from typing import Any

import psutil

from devstack.errors import DevstackError

LOOPBACK = "127.0.0.1"
DEFAULT_BASE = 8000
PORT_COUNT = 6


@dataclass(frozen=True)
class Ports:
    """The ports of one stack. Raises DevstackError for a base outside the range."""

    base: int

    def __post_init__(self) -> None:
        if not 1024 <= self.base <= 65536 - PORT_COUNT:
            raise DevstackError(f"--port-base {self.base}: choose a number from 1024 to {65536 - PORT_COUNT}.")

    @property
    def web(self) -> int:
        return self.base

    @property
    def flower(self) -> int:
        return self.base + 1

    @property
    def postgres(self) -> int:
        return self.base + 2

    @property
    def redis(self) -> int:
        return self.base + 3

    @property
    def kafka(self) -> int:
        return self.base + 4

    @property
    def kafka_controller(self) -> int:
        return self.base + 5


def require_free(needed_ports: dict[int, str]) -> None:
    """Check that no process listens on the ports, given with the names of the processes that need them.

    Raises DevstackError for the first port that is in use.
    """
    for port, name in needed_ports.items():
        if _is_in_use(port):
            raise DevstackError(
                f"Port {port}, needed by {name}, is in use{_describe_owner(port)}. "
                "Stop that process, or choose other ports with --port-base N."
            )


def _is_in_use(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # without it, old connections in TIME_WAIT count as use
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return True
            raise
    return False


def _describe_owner(port: int) -> str:
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # some systems hide the processes of other users
        return ""
    for connection in connections:
        if _listens_on(connection, port) and connection.pid:
            return f" by {_process_name(connection.pid)} (pid {connection.pid})"
    return ""


def _process_name(pid: int) -> str:
    try:
        return str(psutil.Process(pid).name())
    except psutil.Error:
        return "a process"


def accepts_connections(port: int, timeout: float = 0.5) -> bool:
    """Return whether a server on the loopback address accepts connections on the port within `timeout` seconds."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=timeout).close()
    except OSError:
        return False
    return True


def is_listening(pid: int, port: int) -> bool:
    """Return whether the process or one of its children listens on the port.

    A connection to the port does not show that, because several webs share one port. Children count, because with its
    option `reuse_port` gunicorn's children open the sockets.
    """
    try:
        process = psutil.Process(pid)
        family = [process, *process.children()]
        return any(
            _listens_on(connection, port) for member in family for connection in member.net_connections(kind="tcp")
        )
    except psutil.Error:
        return False


def _listens_on(connection: Any, port: int) -> bool:
    return bool(connection.status == psutil.CONN_LISTEN and connection.laddr.port == port)
